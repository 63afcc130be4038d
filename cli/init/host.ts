/** CI hosts that `pyline init` knows, and where each of them looks for its file. */
export const HOSTS = {
  github: { file: ".github/workflows/pyline.yml", template: "github.yml" },
  gitlab: { file: ".gitlab-ci.yml", template: "gitlab.yml" },
  jenkins: { file: "Jenkinsfile", template: "Jenkinsfile" },
  travis: { file: ".travis.yml", template: "travis.yml" },
  circleci: { file: ".circleci/config.yml", template: "circleci.yml" },
} as const

export type Host = keyof typeof HOSTS

/** What each fixture that is wrong on purpose is refused with: the whole message. */
export const ERRORS: Record<string, string> = {
  conda_environment: `error[MANAGER_UNSUPPORTED]: environment.yml is a file of conda, which Pyline does not install from
Nothing was installed, because tests without their dependencies say nothing.
fix: list the Python packages in pyproject.toml or requirements.txt; Pyline installs from Python package indexes
docs: docs/package-managers.md`,
  delivery_environments_wrong: `error[MANIFEST_INVALID]: pyproject.toml:6: environments.staging: target must be one of docker, compose, kubernetes, command
also pyproject.toml:7: environments.staging: has no setting 'hosst'; did you mean 'host'?
also pyproject.toml:8: environments.staging: port must be a number between 1 and 65535
also pyproject.toml:9: environments.staging: validate: 'healthz' is no check such as "/healthz", "/old 301" or "/version 200 contains \\"1.\\""
also pyproject.toml:11: environments.Production: an environment is named with small letters, digits and dashes, at most 31 of them
also pyproject.toml:17: environments.demo: url must be an address such as https://staging.example.com
also pyproject.toml:15: environments.demo: a command environment needs deploy-command
also pyproject.toml:15: environments.demo: a command environment needs running-command or digest-url
fix: correct pyproject.toml
docs: docs/manifests.md`,
  monorepo_below: `error[PROJECT_ELSEWHERE]: there is no Python project at the root of the source, but there is below it
  backend/pyproject.toml
  services/worker/requirements.txt
fix: choose one: --source backend (from the root of the repository)
docs: docs/manifests.md`,
  lint_settings_no_list: `error[MANIFEST_INVALID]: pyline.toml:1: types must be a list of strings
fix: correct pyline.toml
docs: docs/manifests.md`,
  lint_settings_unknown: `error[MANIFEST_INVALID]: pyproject.toml: lint = ["pylama"] is not a tool that Pyline checks with
fix: use ruff, flake8, pylint and pre-commit, or none: lint = []
docs: docs/checks.md`,
  pdm_and_pylock: `error[MANAGER_AMBIGUOUS]: pdm.lock and pylock.toml are locks of different tools
They can disagree on what to install, so Pyline does not guess which one the project means.
fix: delete the lock that is not in use, or decide with a setting: [tool.pyline] package-manager = "pdm"
docs: docs/package-managers.md`,
  pdm_lock_inputs_stale: `error[LOCK_STALE]: pdm.lock does not match pyproject.toml: iniconfig of test was added
A dependency in pyproject.toml was changed and pdm.lock was not, so a frozen install would not be what pyproject.toml says.
fix: pdm lock, then commit pdm.lock
docs: docs/locks.md`,
  pdm_lock_inputs_version: `error[LOCK_STALE]: pdm.lock does not match pyproject.toml: it has click 8.1.8, and not click>=99
A dependency in pyproject.toml was changed and pdm.lock was not, so a frozen install would not be what pyproject.toml says.
fix: pdm lock, then commit pdm.lock
docs: docs/locks.md`,
  pdm_lock_stale: `error[LOCK_STALE]: pdm.lock does not match pyproject.toml
A dependency in pyproject.toml was changed and pdm.lock was not, so a frozen install would not be what pyproject.toml says.
fix: pdm lock, then commit pdm.lock
docs: docs/locks.md`,
  pip_extra_index: `error[EXTRA_INDEX]: requirements.txt adds the index https://pypi.example.com/simple to the public one
A private name that somebody publishes on the public index could be installed instead of yours.
fix: let one index serve both (--index-url), pin hashes, or accept it: [tool.pyline] extra-index = "acknowledged"
docs: docs/private-indexes.md`,
  pip_requirements_latin1: `error[MANIFEST_INVALID]: requirements.txt:2:6: is not UTF-8 text: byte 0xe9
fix: correct requirements.txt
docs: docs/manifests.md`,
  pip_requirements_malformed: `error[MANIFEST_INVALID]: requirements.txt:2: 'requests>=>2' is not a requirement: Expected semicolon (after name with no version specifier) or end
fix: correct requirements.txt
docs: docs/manifests.md`,
  pip_requirements_missing_include: `error[MANIFEST_INVALID]: requirements.txt:1: refers to deps/base.txt, which is not there
fix: correct requirements.txt
docs: docs/manifests.md`,
  pip_requirements_outside: `error[MANIFEST_INVALID]: requirements.txt:1: -r ../../secret.txt is outside of the project
fix: correct requirements.txt
docs: docs/manifests.md`,
  pip_requirements_unknown_option: `error[MANIFEST_INVALID]: requirements.txt:1: --frobnicate is not an option of a requirements file
fix: correct requirements.txt
docs: docs/manifests.md`,
  pip_requirements_variable: `error[MANIFEST_INVALID]: requirements.txt:2: \${HOST} is a variable of the machine that pip runs on, and no input here
also requirements.txt:3: \${WHEELS} is a variable of the machine that pip runs on, and no input here
fix: correct requirements.txt
docs: docs/manifests.md`,
  pipenv_lock_broken: `error[MANIFEST_INVALID]: Pipfile.lock:2:14: is not valid JSON: Expecting property name enclosed in double quotes
fix: correct Pipfile.lock
docs: docs/manifests.md`,
  pipenv_lock_stale: `error[LOCK_STALE]: Pipfile.lock does not match Pipfile
A dependency in Pipfile was changed and Pipfile.lock was not, so a frozen install would not be what Pipfile says.
fix: pipenv lock, then commit Pipfile.lock
docs: docs/locks.md`,
  pipenv_no_lock: `error[LOCK_MISSING]: Pipfile asks for pipenv, but there is no Pipfile.lock
What is installed would change from day to day without it.
fix: pipenv lock, then commit Pipfile.lock
docs: docs/package-managers.md`,
  pixi_manifest: `error[MANAGER_UNSUPPORTED]: pixi.toml is a file of pixi, which Pyline does not install from
Nothing was installed, because tests without their dependencies say nothing.
fix: list the Python packages in pyproject.toml or requirements.txt; Pyline installs from Python package indexes
docs: docs/package-managers.md`,
  poetry_lock_stale: `error[LOCK_STALE]: poetry.lock does not match pyproject.toml
A dependency in pyproject.toml was changed and poetry.lock was not, so a frozen install would not be what pyproject.toml says.
fix: poetry lock, then commit poetry.lock
docs: docs/locks.md`,
  poetry_python_conflict: `error[PYTHON_CONFLICT]: no Python version satisfies runtime.txt:1 and pyproject.toml:9 together
runtime.txt:1: names python-3.14.0
pyproject.toml:9: Poetry's python ~3.11 || ~3.12
fix: change one of runtime.txt and pyproject.toml
docs: docs/python-versions.md`,
  pylock_stale: `error[LOCK_STALE]: pylock.toml does not match pyproject.toml: it has click 8.1.8, and not click>=99
A dependency in pyproject.toml was changed and pylock.toml was not, so a frozen install would not be what pyproject.toml says.
fix: uv export --format pylock.toml -o pylock.toml, then commit pylock.toml
docs: docs/locks.md`,
  pylock_version: `error[MANIFEST_INVALID]: pylock.toml:1: lock-version '2.0' is not one that Pyline reads (1.0)
fix: correct pylock.toml
docs: docs/manifests.md`,
  pyproject_bad_requirement: `error[MANIFEST_INVALID]: pyproject.toml:6: project.dependencies: 'rich >= ' is not a requirement: Expected semicolon (after name with no version specifier) or end
fix: correct pyproject.toml
docs: docs/manifests.md`,
  pyproject_group_loop: `error[MANIFEST_INVALID]: pyproject.toml:2: dependency-groups: test -> dev -> test include each other
also pyproject.toml:3: dependency-groups: dev -> test -> dev include each other
fix: correct pyproject.toml
docs: docs/manifests.md`,
  pyproject_no_name: `error[MANIFEST_INVALID]: pyproject.toml:1: [project] has no name
fix: correct pyproject.toml
docs: docs/manifests.md`,
  pyproject_settings_unknown: `error[MANIFEST_INVALID]: pyproject.toml:6: Pyline has no setting 'pyhton'; did you mean 'python'?
fix: correct pyproject.toml
docs: docs/manifests.md`,
  pyproject_settings_unknown_group: `error[MANIFEST_INVALID]: pyproject.toml: the settings name the group "tests", which the project does not have
It has qa.
fix: correct pyproject.toml
docs: docs/manifests.md`,
  pyproject_toml_invalid: `error[MANIFEST_INVALID]: pyproject.toml:3:11: is not valid TOML: Invalid value
fix: correct pyproject.toml
docs: docs/manifests.md`,
  pyproject_toml_not_utf8: `error[MANIFEST_INVALID]: pyproject.toml:2:10: is not UTF-8 text: byte 0xe9
fix: correct pyproject.toml
docs: docs/manifests.md`,
  pyproject_toml_unterminated: `error[MANIFEST_INVALID]: pyproject.toml:4: is not valid TOML: Invalid value at the end of the file
fix: correct pyproject.toml
docs: docs/manifests.md`,
  pyproject_two_problems: `error[MANIFEST_INVALID]: pyproject.toml:3: project.dependencies: 'a b' is not a requirement: Expected semicolon (after name with no version specifier) or end
also pyproject.toml:1: [project] has no name
fix: correct pyproject.toml
docs: docs/manifests.md`,
  python_mise_conflict: `error[PYTHON_CONFLICT]: no Python version satisfies .python-version:1 and .mise.toml:2 together
.python-version:1: names 3.13
.mise.toml:2: names 3.11
fix: change one of .python-version and .mise.toml
docs: docs/python-versions.md`,
  python_pipfile_conflict: `error[PYTHON_CONFLICT]: no Python version satisfies .python-version:1 and Pipfile:15 together
.python-version:1: names 3.13
Pipfile:15: python_version 3.11
fix: change one of .python-version and Pipfile
docs: docs/python-versions.md`,
  python_requires_malformed: `error[PYTHON_INVALID]: pyproject.toml:4: "3.11 or newer" is not a Python version Pyline can read
fix: write a version such as 3.13 (3.9 to 3.14 are supported)
docs: docs/python-versions.md`,
  python_requires_too_new: `error[PYTHON_UNSUPPORTED]: pyproject.toml:4: no Python that Pyline runs satisfies ">=3.20"
Pyline runs 3.9 to 3.14.
fix: change pyproject.toml
docs: docs/python-versions.md`,
  python_runtime_txt_conflict: `error[PYTHON_CONFLICT]: no Python version satisfies .python-version:1 and runtime.txt:1 together
.python-version:1: names 3.12
runtime.txt:1: names python-3.10.4
fix: change one of .python-version and runtime.txt
docs: docs/python-versions.md`,
  python_version_conflict: `error[PYTHON_CONFLICT]: no Python version satisfies .python-version:1 and pyproject.toml:4 together
.python-version:1: names 3.10
pyproject.toml:4: requires-python >=3.11
fix: change one of .python-version and pyproject.toml
docs: docs/python-versions.md`,
  python_version_empty: `error[MANIFEST_INVALID]: .python-version:1: names no version
fix: correct .python-version
docs: docs/manifests.md`,
  python_version_end_of_life: `error[PYTHON_EOL]: .python-version:1: Python 3.8 had its last security fix on 2024-10-07
Pyline runs Python 3.9 and newer.
fix: move the project to Python 3.9 or newer and say so in .python-version
docs: docs/python-versions.md`,
  python_version_ended: `error[PYTHON_EOL]: .python-version:1: Python 3.9 had its last security fix on 2025-10-31
What is found in it since then stays as it is.
fix: move to Python 3.11 or newer and say so in .python-version, or accept it: [tool.pyline] python = "3.9"
docs: docs/python-versions.md`,
  python_version_malformed: `error[PYTHON_INVALID]: .python-version:1: "latest" is not a Python version Pyline can read
fix: write a version such as 3.13 (3.9 to 3.14 are supported)
docs: docs/python-versions.md`,
  python_version_unknown: `error[PYTHON_UNSUPPORTED]: .python-version:1: no Python that Pyline runs satisfies "3.99"
Pyline runs 3.9 to 3.14.
fix: change .python-version
docs: docs/python-versions.md`,
  settings_audit_ignore_wrong: `error[MANIFEST_INVALID]: pyproject.toml:6: audit-ignore: 'soon' is not a day such as 2026-12-31
also pyproject.toml:7: audit-service must be the address of a service
fix: correct pyproject.toml
docs: docs/manifests.md`,
  services_conflict: `error[MANIFEST_INVALID]: pyproject.toml:10: services.mysql and services.postgres both set DATABASE_URL for the tests: name their variables with exports = { … }
fix: correct pyproject.toml
docs: docs/manifests.md`,
  services_wrong: `error[MANIFEST_INVALID]: pyproject.toml:9: services.mongo: only postgres, redis, valkey, mysql, mariadb are known by name; give this one an image
also pyproject.toml:10: services.Postgres: a service is named as a host is: small letters, digits and dashes
also pyproject.toml:11: services.redis: has no setting 'versoin'; it has preset, version, image, port, ports, environment, command, health, exports, user, password, database
also pyproject.toml:11: services.redis: port must be between 1 and 65535, ports a list of such numbers
also pyproject.toml:11: services.redis: exports: there is no {nothing}; there are host, port, user, password, database, url
also pyproject.toml:12: services.cache: has no image
fix: correct pyproject.toml
docs: docs/manifests.md`,
  settings_manager_unknown: `error[MANIFEST_INVALID]: pyline.toml: package-manager = "npm" is not a package manager Pyline knows
fix: use one of uv, poetry, pdm, pipenv, pylock and pip, or delete the line
docs: docs/package-managers.md`,
  settings_runner_unknown: `error[MANIFEST_INVALID]: pyline.toml: runner = "nose" is not a test runner Pyline knows
fix: use pytest, unittest, django, tox or nox, or delete the line
docs: docs/tests.md`,
  settings_twice: `error[MANIFEST_INVALID]: pyline.toml: pyproject.toml has [tool.pyline] too: keep one of them
fix: correct pyline.toml
docs: docs/manifests.md`,
  settings_wrong_type: `error[MANIFEST_INVALID]: pyline.toml:1: python must be a string
also pyline.toml:2: apt must be a list of names of Debian packages
fix: correct pyline.toml
docs: docs/manifests.md`,
  uv_and_poetry: `error[MANAGER_AMBIGUOUS]: uv.lock and poetry.lock are locks of different tools
They can disagree on what to install, so Pyline does not guess which one the project means.
fix: delete the lock that is not in use, or decide with a setting: [tool.pyline] package-manager = "uv"
docs: docs/package-managers.md`,
  uv_asked_for_without_lock: `error[LOCK_MISSING]: pyproject.toml asks for uv, but there is no uv.lock
What is installed would change from day to day without it.
fix: uv lock, then commit uv.lock
docs: docs/package-managers.md`,
  uv_lock_alone: `error[MANIFEST_INVALID]: uv.lock: stands without the pyproject.toml it locks
fix: correct uv.lock
docs: docs/manifests.md`,
  uv_lock_broken: `error[MANIFEST_INVALID]: uv.lock:3:13: is not valid TOML: Illegal character '\\n'
fix: correct uv.lock
docs: docs/manifests.md`,
  uv_workspace_member_unknown: `error[MANIFEST_INVALID]: pyline.toml: package = "other" is no member of the workspace
Its members are member and root.
fix: correct pyline.toml
docs: docs/package-managers.md`,
  uv_workspace_no_lock: `error[LOCK_MISSING]: pyproject.toml asks for uv, but there is no uv.lock
What is installed would change from day to day without it.
fix: uv lock, then commit uv.lock
docs: docs/package-managers.md`,
  workers_without_xdist: `error[MANIFEST_INVALID]: pyproject.toml: workers is 3, and no test dependency brings pytest-xdist
fix: correct pyproject.toml
docs: docs/manifests.md`,
}

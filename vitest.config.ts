import { defineConfig } from "vitest/config"

// Engine tests share one daemon and two cores: their files run one after another.
const withEngine = { testTimeout: 300_000, hookTimeout: 600_000, fileParallelism: false }

export default defineConfig({
  test: {
    projects: [
      {
        // Some start processes; a busy machine may take its time.
        test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 30_000 },
      },
      {
        test: { name: "contract", include: ["test/contract/**/*.contract.test.ts"], ...withEngine },
      },
      {
        test: {
          name: "hosts",
          include: ["test/hosts/**/*.hosts.test.ts"],
          globalSetup: ["test/hosts/checkout.ts"],
          ...withEngine,
        },
      },
      {
        test: { name: "e2e", include: ["test/e2e/**/*.e2e.test.ts"], ...withEngine },
      },
    ],
  },
})

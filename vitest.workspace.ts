import { readdirSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

/** Every folder below `parent` is a project of its own name, its tests in `test/`. */
const projectsOf = (parent: string) =>
  readdirSync(parent).map((name) => project(name, `${parent}/${name}`, 'test'))

function project(name: string, root: string, tests: string) {
  return { extends: true as const, test: { name, root, include: [`${tests}/**/*.test.ts`] } }
}

// npm test -- load/test: a rolling restart under load wants the machine for itself, so it runs where it is asked for.
const rolling = process.argv.some((argument) => argument.includes('load/test'))

export default defineConfig({
  test: {
    projects: [
      project('redis-scripts', 'redis-scripts', '.'),
      ...projectsOf('packages'),
      ...projectsOf('services'),
      ...(rolling ? [project('load', 'load', 'test')] : []),
    ],
    // Runs once, whatever the number of projects: starts the stores that test files share.
    globalSetup: 'packages/stack/src/test-setup.ts',
    // A file saved while it is being transformed would stay stale there.
    fsModuleCache: false,
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
})

import { readFile } from 'node:fs/promises'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { expect, test } from 'vitest'

test('the document of all services has nothing that a linter complains of', async () => {
  const file = await readFile(new URL('../openapi.json', import.meta.url), 'utf8')
  // The address is of whoever shows it.
  const document = { ...JSON.parse(file), servers: [{ url: '/' }] }
  const config = await createConfig({
    extends: ['recommended'],
    // /dashboards/{id}/stream and /dashboards/shared/{token}: what is named goes before what is not, as in every router.
    rules: { 'no-ambiguous-paths': 'off' },
  })
  const problems = await lintFromString({ source: JSON.stringify(document), config })
  expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([])
})

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { findPromtool } from '../src/binaries.ts'

const dir = join(import.meta.dirname, '../../../deploy/observe')
const promtool = async (...args: string[]) =>
  (await promisify(execFile)(await findPromtool(), args, { cwd: dir })).stdout
const rules = z.object({
  groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string() })) })),
})
const trials = z.object({
  tests: z.array(
    z.object({
      alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })),
    }),
  ),
})

test('Prometheus takes its configuration and the alert rules', async () => {
  expect(await promtool('check', 'config', 'prometheus.yml')).toContain('1 rule files found')
})

test('each alert fires for what it is made for, and none while all is well', async () => {
  expect(await promtool('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS')
  const read = async (file: string) => parse(await readFile(join(dir, file), 'utf8'))
  const names = rules
    .parse(await read('alerts.yml'))
    .groups.flatMap((group) => group.rules.map(({ alert }) => alert))
  const tried = trials.parse(await read('alerts.test.yml')).tests.flatMap((one) => one.alert_rule_test)
  const seen = (fires: boolean) =>
    tried.filter(({ exp_alerts }) => exp_alerts.length > 0 === fires).map(({ alertname }) => alertname)
  expect(seen(true)).toEqual(names)
  expect(seen(false)).toEqual(names)
})

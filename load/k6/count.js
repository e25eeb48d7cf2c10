// What the k6 scripts share: where the system is, its counts, calls that are repeated until they are answered, the final account.

import { check, fail, sleep } from 'k6'
import http from 'k6/http'
import { Counter } from 'k6/metrics'

const credentials = __ENV.COUNT_CREDENTIALS ? JSON.parse(open(__ENV.COUNT_CREDENTIALS)) : {}
const url = (__ENV.COUNT_URL || credentials.url || 'http://localhost:8080').replace(/\/+$/, '')
const apiKey = __ENV.API_KEY || credentials.apiKey
const admin = credentials.admin || { username: __ENV.ADMIN_USERNAME, password: __ENV.ADMIN_PASSWORD }
/** Stretches or shortens every script, as 0.1 for a first look. */
const scale = Number(__ENV.SCALE || 1)

/** What was acknowledged, less what the values say in the end: 0 when exact. */
const unaccounted = new Counter('unaccounted')
const acknowledged = new Counter('acknowledged_increments')
const repeated = new Counter('repeated_calls')

const json = { 'content-type': 'application/json' }
const asService = { ...json, authorization: `Bearer ${apiKey}` }

export const seconds = (n) => `${Math.max(1, Math.round(n * scale))}s`

/** Requirements of the system: write and read within 100 ms, less than one in a thousand failed, no number wrong. */
export const thresholds = {
  'http_req_duration{kind:write,phase:steady}': ['p(95)<100'],
  'http_req_duration{kind:read,phase:steady}': ['p(95)<100'],
  http_req_failed: ['rate<0.001'],
  checks: ['rate>0.999'],
  unaccounted: ['count==0'],
}

const warmSeconds = 20

/** Each steady scenario, and before it a rise to its rate: processes that were just started still compile what they run. */
const warmed = (scenarios) =>
  Object.fromEntries(
    Object.entries(scenarios).flatMap(([name, scenario]) => {
      const { rate, duration, ...rest } = scenario
      if (rate === undefined) return [[name, { ...scenario, tags: { phase: 'steady' } }]]
      const stages = [{ target: rate, duration: seconds(warmSeconds) }]
      const warm = { ...rest, executor: 'ramping-arrival-rate', startRate: Math.ceil(rate / 10), stages }
      return [
        [`${name}-warm`, { ...warm, tags: { phase: 'warm' } }],
        [name, { ...scenario, startTime: seconds(warmSeconds), tags: { phase: 'steady' } }],
      ]
    }),
  )

export const options = (scenarios, more = {}) => ({
  insecureSkipTLSVerify: true, // the gateway's certificate is its own
  setupTimeout: '120s',
  teardownTimeout: '120s',
  // k6 often shares the machine: what nobody reads of an answer is left out.
  discardResponseBodies: true,
  systemTags: ['status', 'name', 'scenario', 'check', 'error', 'expected_response'],
  scenarios: warmed(scenarios),
  thresholds: { ...thresholds, ...more },
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max'],
})

/** Calls at a steady rate, whatever the answers take. */
export const steady = (exec, rate, duration, more = {}) => ({
  executor: 'constant-arrival-rate',
  exec,
  rate,
  duration: seconds(duration),
  preAllocatedVUs: Math.min(500, Math.ceil(rate / 10)),
  maxVUs: 2000,
  gracefulStop: '15s',
  ...more,
})

/** Headers of an administrator's calls: signed in once a run, as signing in is limited. */
export function signIn() {
  const response = http.post(`${url}/api/v1/admin/session`, JSON.stringify(admin), {
    headers: json,
    tags: { kind: 'setup' },
    responseType: 'text',
  })
  if (response.status !== 200) fail(`signing in at ${url}: ${response.status} ${response.body}`)
  const [[name, [{ value }]]] = Object.entries(response.cookies)
  return { ...json, cookie: `${name}=${value}`, 'x-csrf-token': response.json('csrfToken') }
}

/** Makes `size` counts that no other run knows. @returns { prefix, size } */
export function makeCounts(size) {
  const prefix = `k6:${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}:`
  const headers = signIn()
  const lines = Array.from({ length: size }, (_, i) =>
    JSON.stringify({ id: `${prefix}${i}`, name: `k6 ${i}` }),
  ).join('\n')
  const response = http.post(`${url}/api/v1/admin/import/counts`, lines, {
    headers: { ...headers, 'content-type': 'application/x-ndjson' },
    tags: { kind: 'setup' },
    responseType: 'text',
    timeout: '60s',
  })
  if (response.status !== 200 && response.status !== 202)
    fail(`making counts: ${response.status} ${response.body}`)
  let job = response.json()
  while (job.status === 'running') {
    sleep(0.2)
    job = http
      .get(`${url}/api/v1/admin/jobs/${job.id}`, { tags: { kind: 'setup' }, responseType: 'text' })
      .json()
  }
  if (job.created !== size) fail(`making counts: ${JSON.stringify(job)}`)
  return { prefix, size }
}

export const anyId = ({ prefix, size }) => `${prefix}${Math.floor(Math.random() * size)}`

let calls = 0
const newKey = () => `${__VU}-${__ITER}-${calls++}-${Math.random().toString(36).slice(2)}`

/** Posts under an idempotency key until it is answered: a call without an answer may have counted. */
function insist(path, body, tags, responseType = 'none') {
  const headers = { ...asService, 'idempotency-key': newKey() }
  const params = { headers, tags, responseType, timeout: '10s' }
  for (let attempt = 0; ; attempt++) {
    const response = http.post(`${url}${path}`, JSON.stringify(body), params)
    const unclear = response.status === 0 || response.status === 429 || response.status >= 500
    if (!unclear || attempt === 60) return response
    repeated.add(1)
    sleep(Math.min(0.05 * 2 ** attempt, 1))
  }
}

function acknowledge(n) {
  acknowledged.add(n)
  unaccounted.add(n)
}

export function increment(counts, id = anyId(counts), amount = 1) {
  const response = insist(`/api/v1/counts/${id}/increment`, { amount }, { kind: 'write', name: 'increment' })
  if (check(response, { 'increment is answered 200': (r) => r.status === 200 })) acknowledge(amount)
}

export function batch(counts, operations = 100) {
  const body = {
    operations: Array.from({ length: operations }, () => ({ id: anyId(counts), op: 'increment', amount: 1 })),
  }
  const response = insist('/api/v1/counts/batch', body, { kind: 'write', name: 'batch' }, 'text')
  if (check(response, { 'batch is answered 200': (r) => r.status === 200 }))
    acknowledge(response.json('results').filter((result) => result.status === 200).length)
}

export function read(counts, id = anyId(counts)) {
  const response = http.get(`${url}/api/v1/counts/${id}`, {
    headers: asService,
    tags: { kind: 'read', name: 'read' },
  })
  check(response, { 'read is answered 200': (r) => r.status === 200 })
}

/** The pages of the dashboards as a browser fetches them, and what they show. */
export function visitDashboards() {
  for (const path of ['/dashboards/', '/assets/style.css', '/assets/start.js'])
    check(http.get(`${url}${path}`, { tags: { kind: 'page', name: path } }), {
      'page is answered 200': (r) => r.status === 200,
    })
}

export function listDashboards(headers) {
  const response = http.get(`${url}/api/v1/dashboards`, {
    headers,
    tags: { kind: 'read', name: 'dashboards' },
  })
  check(response, { 'dashboards are answered 200': (r) => r.status === 200 })
}

/** Reads every value from the primary and takes it off the account. */
export function settle({ prefix, size }) {
  const params = { headers: asService, tags: { kind: 'settle', name: 'settle' }, responseType: 'text' }
  for (let from = 0; from < size; from += 100) {
    const calls = Array.from({ length: Math.min(100, size - from) }, (_, i) => [
      'GET',
      `${url}/api/v1/counts/${prefix}${from + i}?consistency=strong`,
      null,
      params,
    ])
    for (const response of http.batch(calls)) {
      if (response.status !== 200) fail(`reading the values back: ${response.status} ${response.body}`)
      unaccounted.add(-response.json('value'))
    }
  }
}

// k6's toLocaleString takes a radix.
const number = (value) => (value === undefined ? '–' : String(Math.round(value * 10) / 10))

/** A summary in Markdown, on the terminal and in RESULTS (a folder) when that is set. */
export const summarise = (name) => (data) => {
  const trends = Object.entries(data.metrics).filter(([metric]) =>
    /^http_req_duration\{kind:\w+,phase:steady\}$/.test(metric),
  )
  const failed = Object.entries(data.metrics).flatMap(([metric, { thresholds = {} }]) =>
    Object.entries(thresholds).map(([rule, { ok }]) => `- ${ok ? 'met' : '**not met**'}: ${metric} ${rule}`),
  )
  const { http_reqs, acknowledged_increments, repeated_calls, unaccounted } = data.metrics
  const difference = unaccounted?.values.count ?? 0
  const text = `# k6 ${name}

${number(http_reqs.values.count)} requests, ${number(http_reqs.values.rate)}/s with the rise to it; ${number(acknowledged_increments?.values.count ?? 0)} increments acknowledged, ${number(repeated_calls?.values.count ?? 0)} calls repeated.
Sum of the values: ${difference === 0 ? 'exactly what was acknowledged' : `**off by ${-difference}**`}.

| | median ms | p95 | p99 | max |
|---|--:|--:|--:|--:|
${trends.map(([metric, { values }]) => `| ${metric.match(/kind:(\w+)/)[1]} | ${number(values.med)} | ${number(values['p(95)'])} | ${number(values['p(99)'])} | ${number(values.max)} |`).join('\n')}

${failed.join('\n')}
`
  const summary = { stdout: `\n${text}\n` }
  if (__ENV.RESULTS) summary[`${__ENV.RESULTS}/${name}.md`] = text
  return summary
}

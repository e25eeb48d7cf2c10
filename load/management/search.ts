import { connected } from '@count/core/databases'
import { until } from '@count/stack/until'
import { limitTarget, type Section } from '../bench/report.ts'
import type { Server } from '../server.ts'
import { number } from '../table.ts'
import type { World } from './world.ts'

const most = 50
const rounds = 60
const wordsOf = (list: string) => list.split(' ')

/** Words that rounds go through, so that no search is the one before. */
const searches: [string, string[]][] = [
  ['three or more characters, rare', wordsOf('99123 41877 p.7312 shop.55 k-8181 90909 zzz none-at-all')],
  ['three or more characters, in all', wordsOf('page 카운트 count site')],
  ['two characters', wordsOf('주문 가입 결제 pa si co 77 9k')],
  ['one character', wordsOf('주 가 p s 7 x')],
].map(([what, words]) => [String(what), (words as string[]).map((word) => `q=${encodeURIComponent(word)}`)])

/** Waits until the service has taken note of every count in its blocks. */
async function signed({ stores }: Server): Promise<void> {
  const start = performance.now()
  await connected(stores.INFO_DATABASE_URL ?? '', async (sql) => {
    const done = async () => {
      const [left] =
        await sql`select exists (select from count_unsigned) or exists (select from count_block where signature is null) as any`
      return left?.any === false
    }
    await until('blocks of counts to be signed', done, { deadlineMs: 1_800_000, everyMs: 1000 })
  })
  process.stderr.write(
    `  their blocks are signed ${Math.round((performance.now() - start) / 1000)} s later\n`,
  )
}

/** A list of a million counts as the page of counts asks for it. */
export async function search({ server, administrator, counts, seeded }: World): Promise<Section> {
  await seeded()
  await signed(server)
  const sorts = wordsOf('id -id name -name updatedAt -updatedAt')
  const lists: [string, string[]][] = [
    ...searches,
    ...sorts.map((sort): [string, string[]] => [`all, by ${sort}`, [`sort=${sort}`]]),
    ...sorts.map((sort): [string, string[]] => [`a rare tag, by ${sort}`, [`tag=team-7&sort=${sort}`]]),
    ...sorts.map((sort): [string, string[]] => [`a tag of a tenth, by ${sort}`, [`tag=tenth&sort=${sort}`]]),
    ...sorts.map((sort): [string, string[]] => [`a status, by ${sort}`, [`status=paused&sort=${sort}`]]),
    ...sorts.map((sort): [string, string[]] => [
      `a word in all, by ${sort}`,
      [`q=${encodeURIComponent('카운트')}&sort=${sort}`],
    ]),
    ...sorts.map((sort): [string, string[]] => [
      `two characters, by ${sort}`,
      [`q=${encodeURIComponent('주문')}&sort=${sort}`],
    ]),
    [
      'word, tag and status',
      [`q=page&tag=tenth&status=paused`, `q=${encodeURIComponent('결제')}&tag=team-3&status=active`],
    ],
  ]
  const rows: string[][] = []
  const targets = []
  const pages = async (queries: string[]) => {
    const times: number[] = []
    let cursor = ''
    for (let round = 0; round < rounds; round++) {
      const query = `${queries[round % queries.length]}${queries.length === 1 ? cursor : ''}`
      const start = performance.now()
      const answer = (await administrator.get(`/counts?limit=50&${query}`)) as {
        items: { value: number | null }[]
        nextCursor: string | null
      }
      times.push(performance.now() - start)
      if (answer.items.some(({ value }) => value === null)) throw new Error(`${query}: a value is not known`)
      cursor = answer.nextCursor ? `&cursor=${encodeURIComponent(answer.nextCursor)}` : ''
    }
    return times.sort((a, b) => a - b)
  }
  const at = (times: number[], share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  for (const [what, queries] of lists) {
    const times = await pages(queries)
    rows.push([what, ...[0.5, 0.95, 1].map((share) => number(at(times, share), 1))])
    targets.push(limitTarget(`p95, ${what}`, at(times, 0.95), most, 'ms'))
  }
  const tagTimes: number[] = []
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    await administrator.get(`/tags?limit=50${round % 2 ? '&q=team' : ''}`)
    tagTimes.push(performance.now() - start)
  }
  tagTimes.sort((a, b) => a - b)
  rows.push(['tags in use', ...[0.5, 0.95, 1].map((share) => number(at(tagTimes, share), 1))])
  targets.push(limitTarget('p95, tags in use', at(tagTimes, 0.95), most, 'ms'))
  return {
    title: 'Search',
    text: `Among ${number(counts)} counts, pages of 50 with their live values, ${rounds} of each; ms.`,
    headers: ['search', 'p50', 'p95', 'slowest'],
    rows,
    targets,
  }
}

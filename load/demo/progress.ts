import { number } from '../table.ts'

/** How often the line on a terminal is drawn anew, in ms. */
const frameMs = 100

/** Shows how far it is: one moving line on a terminal, a line each quarter elsewhere. Call `step` once per thing done. */
export function showProgress(what: string, total: number, out: NodeJS.WriteStream = process.stdout) {
  const start = performance.now()
  let done = 0
  let drawn = 0
  const line = () => {
    const rate = done / ((performance.now() - start) / 1000)
    return `${what}: ${number(done)} of ${number(total)} (${Math.floor((done / total) * 100)} %, ${number(rate)}/s)`
  }
  return {
    step() {
      done++
      if (out.isTTY) {
        if (performance.now() - drawn < frameMs && done < total) return
        drawn = performance.now()
        out.write(`\r\x1b[K${line()}${done === total ? '\n' : ''}`)
      } else if (Math.floor((done * 4) / total) !== Math.floor(((done - 1) * 4) / total))
        out.write(`${line()}\n`)
    },
    /** Seconds since the beginning. */
    seconds: () => (performance.now() - start) / 1000,
  }
}

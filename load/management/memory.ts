import { readFile } from 'node:fs/promises'

const everyMs = 50

/** Bytes of memory that a process holds now. */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024
}

/** Does something and watches a process meanwhile. @returns by how many bytes its memory was above the beginning, at most */
export async function growthOf<T>(
  pid: number | undefined,
  work: () => Promise<T>,
): Promise<{ result: T; growth: number }> {
  if (pid === undefined) throw new Error('the server is not ours')
  const before = await residentBytes(pid)
  let most = before
  const watch = setInterval(() => {
    void residentBytes(pid).then((bytes) => {
      most = Math.max(most, bytes)
    })
  }, everyMs)
  try {
    const result = await work()
    return { result, growth: most - before }
  } finally {
    clearInterval(watch)
  }
}

export const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`

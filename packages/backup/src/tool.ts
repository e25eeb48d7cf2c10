import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Runs one of the stores' own tools, which must be on PATH. @throws with what it complained of */
export async function runTool(
  name: string,
  args: string[],
  secrets: Record<string, string> = {},
): Promise<void> {
  try {
    await promisify(execFile)(name, args, { env: { ...process.env, ...secrets } })
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT') throw new Error(`${name} is not on PATH`)
    throw new Error(`${name} failed: ${stderr?.trim()}`)
  }
}

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The path of a program on PATH, in Debian's directories for administrators, which a PATH may lack, or in one of `elsewhere`. */
export function findProgram(name: string, ...elsewhere: string[]): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', ...elsewhere]
  return directories
    .filter(Boolean)
    .map((directory) => join(directory, name))
    .find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

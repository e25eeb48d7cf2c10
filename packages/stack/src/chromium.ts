import { aptInstall, canInstall } from './apt.ts'
import { findProgram } from './programs.ts'

/** A browser, and a font that has Korean: Debian's images bring neither. */
const packages = ['chromium', 'fonts-nanum']

/** What keeps a browser without a screen to itself: nothing is fetched, updated or synchronised. */
export const chromiumArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** The path of Chromium, installed when missing and possible. @throws telling what the user can do */
export async function findChromium(): Promise<string> {
  if (process.env.CHROMIUM) return process.env.CHROMIUM
  if (!findProgram('chromium') && canInstall()) {
    process.stderr.write(`installing ${packages.join(' and ')} with apt-get, once\n`)
    await aptInstall(packages)
  }
  const path = findProgram('chromium')
  if (!path) throw new Error('chromium is missing: put it on PATH, or its path into CHROMIUM')
  return path
}

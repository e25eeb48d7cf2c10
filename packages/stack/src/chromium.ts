import { existsSync } from 'node:fs'
import { aptInstall, canInstall } from './apt.ts'
import { findProgram } from './programs.ts'

/** A font that has Korean: Debian's images bring none, nor does its browser. */
const koreanFont = { package: 'fonts-nanum', path: '/usr/share/fonts/truetype/nanum' }

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
  const missing = [
    ...(findProgram('chromium') ? [] : ['chromium']),
    ...(existsSync(koreanFont.path) ? [] : [koreanFont.package]),
  ]
  if (missing.length > 0 && canInstall()) {
    process.stderr.write(`installing ${missing.join(' and ')} with apt-get, once\n`)
    await aptInstall(missing)
  }
  const path = findProgram('chromium')
  if (!path) throw new Error('chromium is missing: put it on PATH, or its path into CHROMIUM')
  return path
}

// A canvas knows no custom properties: the colours of the present theme are read once and kept until it changes.

const names = /** @type {const} */ ([
  'text',
  'muted',
  'line',
  'card',
  'accent',
  'good',
  'warn',
  'bad',
  'series-1',
  'series-2',
  'series-3',
  'series-4',
  'series-5',
  'series-6',
])
/** @typedef {Record<(typeof names)[number], string>} Ink */

/** @type {Ink | null} */
let known = null
let watching = false
/** @type {Set<() => void>} */
const listeners = new Set()

/** @returns {Ink} */
export function ink() {
  if (known) return known
  const probe = document.createElement('span')
  document.body.append(probe)
  known = /** @type {Ink} */ (
    Object.fromEntries(
      names.map((name) => {
        probe.style.color = `var(--${name})`
        return [name, getComputedStyle(probe).color]
      }),
    )
  )
  probe.remove()
  return known
}

function change() {
  known = null
  for (const listener of listeners) listener()
}

/** Another theme, contrast or language. @param {() => void} listener @returns {() => void} ends it */
export function onInk(listener) {
  if (!watching) {
    watching = true
    new MutationObserver(change).observe(document.documentElement, {
      attributeFilter: ['data-theme', 'lang'],
    })
    for (const query of [
      '(prefers-color-scheme: dark)',
      '(prefers-contrast: more)',
      '(forced-colors: active)',
    ])
      matchMedia(query).addEventListener('change', change)
  }
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

const dashes = [[], [6, 4], [2, 3], [10, 4, 2, 4], [1, 5], [14, 5]]
/** @type {MediaQueryList | undefined} */
let forced
/** Colour and dash of the nth line: past six, and where colours are forced, lines differ by dash. @param {number} n */
export const penOf = (n) => {
  const series = /** @type {keyof Ink} */ (`series-${(n % 6) + 1}`)
  forced ??= matchMedia('(forced-colors: active)')
  const turn = forced.matches ? n : Math.floor(n / 6)
  return { colour: ink()[series], name: series, dash: dashes[turn % dashes.length] ?? [] }
}

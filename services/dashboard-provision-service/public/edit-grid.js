import { t } from '/assets/i18n.js'
import { html, useEffect, useLayoutEffect, useRef, useState } from '/assets/vendor/preact.js'
import { columns, stepOf } from './layout.js'

/** @typedef {import('./types.js').Panel} Panel */
/** @typedef {import('./types.js').PanelLayout} Layout */

const retryMs = 1000
/** @type {Promise<unknown> | undefined} */
let loading
/** Puts an element that loads something into the page's head. @param {HTMLElement} element @returns {Promise<void>} */
const fetched = (element) =>
  new Promise((resolve, reject) => {
    element.onload = () => resolve()
    element.onerror = () => reject(new Error('it could not be loaded'))
    document.head.append(element)
  })

/** gridstack, only where panels are moved; as a script, since a module whose loading failed once stays failed. */
function loadGridstack() {
  const link = Object.assign(document.createElement('link'), {
    rel: 'stylesheet',
    href: '/assets/vendor/gridstack.css',
  })
  const script = Object.assign(document.createElement('script'), { src: '/assets/vendor/gridstack.js' })
  loading ??= Promise.all([fetched(link), fetched(script)])
  return loading
}

/** @param {HTMLElement} element @returns {Layout} */
function layoutOf(element) {
  const {
    x = 0,
    y = 0,
    w = 1,
    h = 1,
  } = /** @type {import('gridstack').GridItemHTMLElement} */ (element).gridstackNode ?? {}
  return { x, y, w, h }
}

/** @param {Layout} a @param {Layout} b */
const same = (a, b) => a.x === b.x && a.y === b.y && a.w === b.w && a.h === b.h

/**
 * The grid that panels are moved and resized on: by mouse and touch through gridstack, by keyboard through the grip of each
 * panel. gridstack decides what gives way; what it decided comes back as layouts.
 * @param {{ panels: Panel[], selected: string | null, draw: (panel: Panel) => import('/assets/controls.js').Children,
 *   onLayouts: (layouts: Map<string, Layout>) => void, onSelect: (id: string) => void, nameOf: (panel: Panel) => string }} props
 */
export function EditGrid({ panels, selected, draw, onLayouts, onSelect, nameOf }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null))
  const grid = useRef(/** @type {import('gridstack').GridStack | null} */ (null))
  const syncing = useRef(false)
  const latest = useRef(onLayouts)
  latest.current = onLayouts
  const [ready, setReady] = useState(false)
  const [said, setSaid] = useState('')

  /** @returns {HTMLElement[]} */
  const items = () =>
    [...(box.current?.querySelectorAll(':scope > .grid-stack-item[data-id]') ?? [])].filter(
      (item) => item instanceof HTMLElement,
    )

  useEffect(() => {
    let gone = false
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let again
    const begin = () => {
      if (gone || !box.current) return
      const made = GridStack.init(
        {
          column: columns,
          cellHeight: 80,
          margin: 4,
          mode: 'float',
          animate: !matchMedia('(prefers-reduced-motion: reduce)').matches,
          handle: '.panel-head',
          draggable: { cancel: 'button:not(.grip), .menu, input, a' },
          alwaysShowResizeHandle: true,
          columnOpts: { breakpointForWindow: true, breakpoints: [] },
        },
        box.current,
      )
      if (!made) return
      grid.current = made
      made.on('change', () => {
        if (!syncing.current)
          latest.current(new Map(items().map((item) => [item.dataset.id ?? '', layoutOf(item)])))
      })
      setReady(true)
    }
    const load = () =>
      loadGridstack().then(begin, () => {
        loading = undefined
        if (!gone) again = setTimeout(load, retryMs)
      })
    load()
    return () => {
      gone = true
      clearTimeout(again)
      grid.current?.destroy(false)
      grid.current = null
    }
  }, [])

  // What changed elsewhere (added, removed, undone) goes into the grid.
  useLayoutEffect(() => {
    const { current } = grid
    if (!current) return
    syncing.current = true
    current.batchUpdate()
    for (const node of [...current.engine.nodes]) {
      if (node.el && !node.el.isConnected) current.removeWidget(node.el, false, false)
    }
    const byId = new Map(panels.map((panel) => [panel.id, panel]))
    for (const item of items()) {
      const panel = byId.get(item.dataset.id ?? '')
      if (!panel) continue
      if (!(/** @type {import('gridstack').GridItemHTMLElement} */ (item).gridstackNode))
        current.makeWidget(item, { ...panel.layout, id: panel.id })
      else if (!same(layoutOf(item), panel.layout)) current.update(item, { ...panel.layout })
    }
    current.batchUpdate(false)
    syncing.current = false
  }, [panels, ready])

  const press = (/** @type {KeyboardEvent} */ event, /** @type {Panel} */ panel) => {
    if (!(event.target instanceof HTMLElement) || !event.target.matches('.grip')) return
    const item = event.target.closest('.grid-stack-item')
    if (!(item instanceof HTMLElement)) return
    // The grid's own: keys come faster than the page is drawn.
    const at = layoutOf(item)
    const to = stepOf(at, event.key, event.shiftKey)
    if (!to) return
    event.preventDefault()
    if (!same(to, at)) grid.current?.update(item, { ...to })
    const { x, y, w, h } = layoutOf(item)
    setSaid(t('edit.moved', { name: nameOf(panel), column: x + 1, row: y + 1, w, h }))
    item.scrollIntoView({ block: 'nearest' })
  }

  return html`
    <p class="unseen" role="status" aria-live="assertive">${said}</p>
    <div class="edit-scroll"><div class="grid-stack edit-grid" ref=${box} data-ready=${ready ? '' : null}>
      ${panels.map(
        (
          panel,
        ) => html`<div key=${panel.id} class=${`grid-stack-item ${panel.id === selected ? 'selected' : ''}`} data-id=${panel.id}
            ref=${(/** @type {HTMLElement | null} */ item) => place(item, panel)}
            onKeyDown=${(/** @type {KeyboardEvent} */ event) => press(event, panel)} onPointerDown=${() => onSelect(panel.id)}>
          <div class="grid-stack-item-content">${draw(panel)}</div></div>`,
      )}
    </div></div>`
}

/** For gridstack to read as it begins; later it keeps them itself. @param {HTMLElement | null} item @param {Panel} panel */
function place(item, { id, layout }) {
  if (!item || item.hasAttribute('gs-id')) return
  item.setAttribute('gs-id', id)
  for (const [name, value] of Object.entries(layout)) item.setAttribute(`gs-${name}`, String(value))
}

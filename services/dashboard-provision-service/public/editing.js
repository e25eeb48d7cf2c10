import { t } from '/assets/i18n.js'
import { session as kept } from '/assets/storage.js'
import { useCallback, useState } from '/assets/vendor/preact.js'
import { faultOf } from './count-picker.js'
import { freePlace } from './layout.js'

/** @typedef {import('./types.js').DashboardBody} Body */
/** @typedef {import('./types.js').Panel} Panel */
/** @typedef {import('./types.js').PanelType} PanelType */

const mostSteps = 100

/** What of a dashboard is saved. @param {Body} dashboard @returns {Body} */
export const bodyOf = ({ name, range, panels }) => ({ name, range, panels })

/** @type {Record<PanelType, { w: number, h: number }>} */
const sizes = {
  number: { w: 3, h: 2 },
  line: { w: 6, h: 4 },
  bar: { w: 6, h: 4 },
  table: { w: 4, h: 4 },
  gauge: { w: 3, h: 3 },
  markdown: { w: 4, h: 2 },
}
export const types = /** @type {PanelType[]} */ (Object.keys(sizes))

const freshId = () =>
  `p${crypto.getRandomValues(new Uint32Array(2)).reduce((id, n) => id + n.toString(36), '')}`

/** @param {Panel[]} panels @param {PanelType} type @returns {Panel} */
export const newPanel = (panels, type) => ({
  id: freshId(),
  type,
  title: '',
  ...(type === 'markdown' ? { text: '' } : { counts: { ids: [] } }),
  layout: freePlace(panels, sizes[type]),
})

/** @param {Panel[]} panels @param {Panel} panel @returns {Panel} */
export const copyOf = (panels, panel) => ({
  ...structuredClone(panel),
  id: freshId(),
  layout: freePlace(panels, panel.layout),
})

/** The panel as another type: what that has no use for goes. @param {Panel} panel @param {PanelType} type @returns {Panel} */
export function asType({ counts, text, measure, min, max, spark, ...panel }, type) {
  if (type === 'markdown') return { ...panel, type, text: text ?? '' }
  return {
    ...panel,
    type,
    counts: counts ?? { ids: [] },
    ...((type === 'line' || type === 'bar') && measure && { measure }),
    ...(type === 'gauge' && { ...(min !== undefined && { min }), ...(max !== undefined && { max }) }),
    ...(type === 'number' && spark !== undefined && { spark }),
  }
}

/** What keeps a panel from being saved, in the reader's language. @param {Panel} panel */
export function panelFault({ type, counts, text, min, max }) {
  if (type === 'markdown') return text?.trim() ? undefined : t('edit.text.required')
  if (min !== undefined && max !== undefined && min >= max) return t('edit.max.wrong')
  return faultOf(counts)
}

/** What a save by somebody else changed, as words. @param {Body} before @param {Body} after @returns {string[]} */
export function differences(before, after) {
  const told = []
  const named = (/** @type {Panel} */ panel) => panel.title || t(`panel.type.${panel.type}`)
  if (before.name !== after.name) told.push(t('conflict.renamed', { name: after.name }))
  if (before.range !== after.range) told.push(t('conflict.range', { range: t(`panel.range.${after.range}`) }))
  const old = new Map(before.panels.map((panel) => [panel.id, panel]))
  for (const panel of after.panels) {
    const was = old.get(panel.id)
    old.delete(panel.id)
    if (!was) told.push(t('conflict.added', { name: named(panel) }))
    else if (JSON.stringify({ ...was, layout: 0 }) !== JSON.stringify({ ...panel, layout: 0 }))
      told.push(t('conflict.changed', { name: named(panel) }))
    else if (JSON.stringify(was.layout) !== JSON.stringify(panel.layout))
      told.push(t('conflict.moved', { name: named(panel) }))
  }
  for (const panel of old.values()) told.push(t('conflict.removed', { name: named(panel) }))
  return told
}

/**
 * What is edited, with its steps to undo, kept in this tab through reload and session end.
 * @param {string} id @param {number} revision that editing began from @param {Body} initial
 */
export function useEditing(id, revision, initial) {
  const key = `count.draft.dashboard.${id}.${revision}`
  const [state, setState] = useState(
    /** @returns {{ past: Body[], body: Body, future: Body[], field: string | null }} */ () => {
      const draft = kept.get(key)
      return {
        past: draft ? [initial] : [],
        body: draft ? JSON.parse(draft) : initial,
        future: [],
        field: null,
      }
    },
  )
  const keep = (/** @type {Body} */ body) => kept.set(key, JSON.stringify(body))
  /** Changes in a row to one field are one step. */
  const set = useCallback((/** @type {Body} */ body, /** @type {string | null} */ field = null) => {
    keep(body)
    setState((old) => ({
      past: field !== null && field === old.field ? old.past : [...old.past.slice(1 - mostSteps), old.body],
      body,
      future: [],
      field,
    }))
  }, [])
  const undo = useCallback(
    () =>
      setState((old) => {
        const before = old.past.at(-1)
        if (!before) return old
        keep(before)
        return { past: old.past.slice(0, -1), body: before, future: [old.body, ...old.future], field: null }
      }),
    [],
  )
  const redo = useCallback(
    () =>
      setState((old) => {
        const [after, ...future] = old.future
        if (!after) return old
        keep(after)
        return { past: [...old.past, old.body], body: after, future, field: null }
      }),
    [],
  )
  return {
    body: state.body,
    changed: JSON.stringify(state.body) !== JSON.stringify(initial),
    canUndo: state.past.length > 0,
    canRedo: state.future.length > 0,
    set,
    undo,
    redo,
    drop: () => kept.set(key, null),
  }
}

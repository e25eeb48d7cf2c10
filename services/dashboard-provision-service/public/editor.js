import { get, Problem, request } from '/assets/api.js'
import { Button, Menu } from '/assets/controls.js'
import { Field } from '/assets/field.js'
import { useKeys } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Icon } from '/assets/icons.js'
import { titleOf } from '/assets/panels/panel.js'
import { Note } from '/assets/states.js'
import { toast, toastError } from '/assets/toast.js'
import { html, useEffect, useRef, useState } from '/assets/vendor/preact.js'
import { pathOf } from './board-actions.js'
import { inOrder } from './board-view.js'
import { ConflictDialog } from './conflict-dialog.js'
import { EditGrid } from './edit-grid.js'
import { bodyOf, copyOf, newPanel, panelFault, types, useEditing } from './editing.js'
import { freePlace, overlap } from './layout.js'
import { LivePanel } from './live-panel.js'
import { LiveSign } from './live-sign.js'
import { PanelForm, ranges } from './panel-form.js'
import { usePreview } from './preview.js'

/** @typedef {import('./live-board.js').LiveBoard} LiveBoard */
/** @typedef {import('./types.js').Board} Board */
/** @typedef {import('./types.js').Panel} Panel */
/** @typedef {import('./types.js').Range} Range */

const mostPanels = 200
/** How long to wait for the stream to show what was saved. */
const showMs = 3000

/** What a panel is called. @param {Board} board @param {Panel} panel */
function nameIn(board, panel) {
  const known = board.counts.get(panel.counts?.ids?.[0] ?? '')
  return titleOf({ panel, counts: known && !known.missing ? [known] : [] })
}

/** A panel as it is edited: live where the stream has it, else by a preview. @param {{ live: LiveBoard, board: Board, panel: Panel, range: Range, onEdit: () => void, onDuplicate: () => void, onRemove: () => void }} props */
function EditPanel({ live, board, panel, range, onEdit, onDuplicate, onRemove }) {
  const saved = board.dashboard.panels.find(({ id }) => id === panel.id)
  const preview = usePreview(panel, saved, range, board.dashboard.range)
  const title = nameIn(board, panel)
  return html`<${LivePanel} live=${live} panel=${panel} preview=${preview} actions=${html`
    <${Menu} label=${t('panel.actions', { title })} items=${[
      { label: t('edit.settings'), onSelect: onEdit },
      { label: t('boards.duplicate'), onSelect: onDuplicate },
      { label: t('action.delete'), danger: true, onSelect: onRemove },
    ]} />
    <button type="button" class="button plain small square grip" aria-label=${t('edit.grip', { name: title })} title=${t('edit.grip.keys')}><${Icon} name="grip" /></button>`} />`
}

/** Editing as a mode: a visible grid, the panels at the side, one Save. @param {{ live: LiveBoard, board: Board, onDone: () => void }} props */
export function Editor({ live, board, onDone }) {
  const [began] = useState(board.dashboard)
  const { id, revision } = began
  const { body, changed, canUndo, canRedo, set, undo, redo, drop } = useEditing(id, revision, bodyOf(began))
  const [selected, setSelected] = useState(/** @type {string | null} */ (null))
  const [tried, setTried] = useState(false)
  const [busy, setBusy] = useState(false)
  const [conflict, setConflict] = useState(/** @type {import('./types.js').Dashboard | null} */ (null))
  const [saved, setSaved] = useState(0)
  const panel = body.panels.find((one) => one.id === selected)
  const nameOf = (/** @type {Panel} */ one) => nameIn(board, one)
  const setPanels = (/** @type {Panel[]} */ panels, /** @type {string | null} */ field = null) =>
    set({ ...body, panels }, field)

  const add = (/** @type {Panel} */ fresh) => {
    setPanels([...body.panels, fresh])
    setSelected(fresh.id)
    requestAnimationFrame(() =>
      document.querySelector(`[data-id="${fresh.id}"]`)?.scrollIntoView({ block: 'nearest' }),
    )
  }
  /** Where it was, unless something else lies there now. @type {{ current: (gone: Panel) => void }} */
  const bringBack = useRef(() => {})
  bringBack.current = (gone) => {
    const free = !body.panels.some(({ layout }) => overlap(layout, gone.layout))
    add(free ? gone : { ...gone, layout: freePlace(body.panels, gone.layout) })
  }
  const remove = (/** @type {Panel} */ gone) => {
    setPanels(body.panels.filter((one) => one !== gone))
    if (selected === gone.id) setSelected(null)
    toast(t('edit.removed', { name: nameOf(gone) }), { undo: async () => bringBack.current(gone) })
  }
  const change = (/** @type {Panel} */ next, /** @type {string} */ field) =>
    setPanels(
      body.panels.map((one) => (one.id === next.id ? next : one)),
      field,
    )
  const moved = (/** @type {Map<string, import('./types.js').PanelLayout>} */ layouts) => {
    const panels = body.panels.map((one) => ({ ...one, layout: layouts.get(one.id) ?? one.layout }))
    if (JSON.stringify(panels) !== JSON.stringify(body.panels)) setPanels(panels)
  }

  const save = async () => {
    setTried(true)
    const faulty = body.panels.find(panelFault)
    if (busy || !body.name.trim() || faulty) {
      if (faulty) setSelected(faulty.id)
      return
    }
    setBusy(true)
    try {
      const now = await request('PUT', pathOf(id), { body: { ...body, name: body.name.trim() }, revision })
      drop()
      if (now.revision !== revision) {
        const back = () =>
          request('POST', `${pathOf(id)}/revisions/${revision}/restore`, { revision: now.revision })
        toast(t('edit.saved'), { undo: back })
      }
      setSaved(now.revision)
    } catch (error) {
      if (error instanceof Problem && error.status === 412)
        await get(pathOf(id)).then(setConflict, toastError)
      else toastError(error)
      setBusy(false)
    }
  }
  const saving = useRef(save)
  saving.current = save
  const leave = () => {
    drop()
    onDone()
  }
  // The view shows what the stream says: it is left to when that is what was saved.
  const shown = saved > 0 && board.dashboard.revision >= saved
  useEffect(() => {
    if (shown) onDone()
    const timer = saved > 0 ? setTimeout(onDone, showMs) : undefined
    return () => clearTimeout(timer)
  }, [saved, shown])

  useEffect(() => {
    const press = (/** @type {KeyboardEvent} */ event) => {
      if (!(event.ctrlKey || event.metaKey) || document.querySelector('dialog[open]')) return
      const typing = event.target instanceof HTMLElement && event.target.matches('input, textarea, select')
      if (event.key === 's') {
        event.preventDefault()
        // After what the keys before it changed has been drawn.
        setTimeout(() => saving.current())
      } else if (event.key.toLowerCase() === 'z' && !typing) {
        event.preventDefault()
        if (event.shiftKey) redo()
        else undo()
      }
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  })
  useKeys({ Escape: () => setSelected(null) })

  const theirs = board.dashboard.revision > revision && saved === 0
  return html`<div class="board-page editing">
    <div class="page-head">
      <div class="page-title"><h1>${t('edit.heading', { name: began.name })}</h1><div class="facts"><${LiveSign} live=${live} />
        <span>${changed ? t('edit.unsaved') : t('edit.unchanged')}</span></div></div>
      <div class="actions">
        <${Button} label=${t('action.undo')} disabled=${!canUndo} onClick=${undo}><${Icon} name="undo" /><//>
        <${Button} label=${t('edit.redo')} disabled=${!canRedo} onClick=${redo}><${Icon} name="redo" /><//>
        <${Button} onClick=${leave}>${t('action.cancel')}<//>
        <${Button} kind="primary" busy=${busy} onClick=${save}>${t('action.save')}<//>
      </div>
    </div>
    ${theirs && html`<div role="status"><${Note} tone="warn">${t('edit.theirs')}<//></div>`}
    <div class="edit-columns">
      <div class="edit-board">
        ${body.panels.length === 0 && html`<p class="edit-none">${t('edit.none')}</p>`}
        <${EditGrid} panels=${body.panels} selected=${selected} nameOf=${nameOf} onLayouts=${moved} onSelect=${setSelected}
          draw=${(
            /** @type {Panel} */ one,
          ) => html`<${EditPanel} live=${live} board=${board} panel=${one} range=${body.range}
            onEdit=${() => setSelected(one.id)} onDuplicate=${() => add(copyOf(body.panels, one))} onRemove=${() => remove(one)} />`} />
      </div>
      <aside class="card edit-side" aria-label=${t('edit.side')}>
        ${
          panel
            ? html`<${PanelForm} key=${panel.id} panel=${panel} tried=${tried} onChange=${change} onBack=${() => setSelected(null)}
                onDuplicate=${() => add(copyOf(body.panels, panel))} onRemove=${() => remove(panel)} />`
            : html`<div class="form">
                <${Field} name="name" label=${t('boards.name')} value=${body.name} required error=${tried && !body.name.trim() ? t('field.required') : undefined}
                  onInput=${(/** @type {string} */ name) => set({ ...body, name }, 'name')} />
                <${Field} name="range" kind="select" plain label=${t('board.rangeLabel')} value=${body.range} options=${ranges.map((value) => ({ value, label: t(`panel.range.${value}`) }))}
                  onInput=${(/** @type {Range} */ range) => set({ ...body, range }, 'range')} />
                <section aria-label=${t('edit.add')}><h3>${t('edit.add')}</h3>
                  <div class="add-panels">${types.map(
                    (
                      type,
                    ) => html`<${Button} key=${type} disabled=${body.panels.length >= mostPanels} onClick=${() => add(newPanel(body.panels, type))}>
                    <${Icon} name=${`panel-${type}`} />${t(`panel.type.${type}`)}<//>`,
                  )}</div></section>
                <section aria-label=${t('edit.panels')}><h3>${t('edit.panels')}</h3>
                  <ul class="panel-list">${inOrder(body.panels).map(
                    (
                      one,
                    ) => html`<li key=${one.id}><button type="button" onClick=${() => setSelected(one.id)}>
                    <${Icon} name=${`panel-${one.type}`} /><span>${nameOf(one)}</span>${tried && panelFault(one) && html`<span class="badge bad">${t('edit.incomplete')}</span>`}</button></li>`,
                  )}</ul></section>
              </div>`
        }
      </aside>
    </div>
    ${
      conflict &&
      html`<${ConflictDialog} before=${bodyOf(began)} theirs=${conflict} mine=${body} onClose=${() => setConflict(null)} onDrop=${() => {
        drop()
        location.reload()
      }} onCopied=${drop} />`
    }
  </div>`
}

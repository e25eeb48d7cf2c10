import { get, may } from '/assets/api.js'
import { Button, LinkButton, Menu } from '/assets/controls.js'
import { useKeys, useUrl } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Icon } from '/assets/icons.js'
import { later } from '/assets/later.js'
import { rangeName } from '/assets/panels/model.js'
import { Note, Skeleton } from '/assets/states.js'
import { html, useEffect, useState } from '/assets/vendor/preact.js'
import { boardActions } from './board-actions.js'
import { BoardView, OpenAlerts } from './board-view.js'
import { useBoard } from './live-board.js'
import { LiveSign } from './live-sign.js'
import { startPage } from './site.js'
import { streamHere } from './stream/begin.js'
import { Wall } from './wall.js'

/** @typedef {import('./live-board.js').LiveBoard} LiveBoard */
/** @typedef {import('./types.js').Board} Board */

const Editor = later(() => import('./editor.js').then((module) => module.Editor))
const ShareDialog = later(() => import('./share-dialog.js').then((module) => module.ShareDialog))
const RevisionsDialog = later(() => import('./revisions-dialog.js').then((module) => module.RevisionsDialog))

function ViewPage() {
  const [url] = useUrl()
  const id = url.id ?? ''
  const live = useBoard(streamHere())
  const board = live?.board()
  const name = board?.dashboard.name
  useEffect(() => {
    document.title = `${name ?? t('site.dashboards')} – ${t('app.name')}`
  })
  const state = live?.link().state
  // The session ended: this call has the user sign in again, and then the stream goes on.
  useEffect(() => {
    if (state === 'signed-out') get('/admin/session').then(live?.retry, () => undefined)
  }, [state])
  if (!live || !board) return html`<${Waiting} live=${live} />`
  return html`<${Dashboard} key=${id} live=${live} board=${board} />`
}

/** Before the first snapshot. @param {{ live: LiveBoard | null }} props */
const Waiting = ({ live }) =>
  live?.link().state === 'gone'
    ? html`<${Gone} />`
    : html`<div class="board-page">${live && html`<${LiveSign} live=${live} />`}<${Skeleton} rows=${10} /></div>`

const Gone =
  () => html`<div class="empty" role="alert"><h1><${Icon} name="warn" /> ${t('board.gone.title')}</h1><p>${t('board.gone')}</p>
  <${LinkButton} href="/dashboards/">${t('board.back')}<//></div>`

/** @param {{ live: LiveBoard, board: Board }} props */
function Dashboard({ live, board }) {
  const [url, setUrl] = useUrl()
  const [dialog, setDialog] = useState(/** @type {'share' | 'revisions' | null} */ (null))
  const close = () => setDialog(null)
  const { dashboard } = board
  const editing = url.edit === '1' && may('editor')
  const edit = () => setUrl({ edit: '1' })
  useKeys({ e: () => may('editor') && !editing && edit(), w: () => !editing && setUrl({ wall: '1' }) })
  if (url.wall === '1')
    return html`<${Wall} live=${live} board=${board} onLeave=${() => setUrl({ wall: null })} />`
  if (editing) return html`<${Editor} live=${live} board=${board} onDone=${() => setUrl({ edit: null })} />`
  const actions = boardActions(dashboard, {
    share: () => setDialog('share'),
    revisions: () => setDialog('revisions'),
  })
  const wall = { label: t('wall.enter'), onSelect: () => setUrl({ wall: '1' }) }
  return html`<div class="board-page">
    <div class="page-head">
      <div class="page-title">
        <a class="back" href="/dashboards/"><${Icon} name="back" />${t('site.dashboards')}</a>
        <h1>${dashboard.name}</h1>
        <div class="facts"><${LiveSign} live=${live} /><span>${t('board.range', { range: rangeName(dashboard.range) })}</span></div>
      </div>
      <div class="actions">
        <span class="only-wide">
          <${Button} onClick=${wall.onSelect}><${Icon} name="wall" />${wall.label}<//>
          ${may('editor') && html`<${Button} onClick=${() => setDialog('share')}><${Icon} name="share" />${t('share.action')}<//>`}
          <${Menu} label=${t('action.more')} kind="square" items=${actions.slice(1)} />
        </span>
        <span class="only-narrow"><${Menu} label=${t('action.more')} items=${[wall, ...actions]} /></span>
        ${may('editor') && html`<${Button} kind="primary" onClick=${edit}>${t('board.edit')}<//>`}
      </div>
    </div>
    ${live.link().state === 'gone' && html`<div role="alert"><${Note} tone="bad">${t('board.gone')}<//></div>`}
    <${OpenAlerts} board=${board} />
    <${BoardView} live=${live} board=${board}
      empty=${may('editor') && html`<${Button} kind="primary" onClick=${edit}>${t('board.add')}<//>`} />
    ${dialog === 'share' && html`<${ShareDialog} dashboard=${dashboard} onClose=${close} />`}
    ${dialog === 'revisions' && html`<${RevisionsDialog} dashboard=${dashboard} onClose=${close} />`}
  </div>`
}

startPage(ViewPage)

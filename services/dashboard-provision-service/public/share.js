import { Button } from '/assets/controls.js'
import { useUrl } from '/assets/hooks.js'
import { addWords, onLanguage, t } from '/assets/i18n.js'
import { Icon } from '/assets/icons.js'
import { panelWords } from '/assets/panels/words.js'
import { Boundary, Skeleton } from '/assets/states.js'
import { Toasts } from '/assets/toast.js'
import { html, render, useEffect, useState } from '/assets/vendor/preact.js'
import { BoardView, OpenAlerts } from './board-view.js'
import { useBoard } from './live-board.js'
import { LiveSign } from './live-sign.js'
import { streamHere } from './stream/begin.js'
import { Wall } from './wall.js'
import { words } from './words.js'

// A screen on a wall has nobody to choose: the link says it (?lang=ko&theme=dark), for this page alone.
const asked = new URLSearchParams(location.search)
const theme = asked.get('theme')
if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
const language = asked.get('lang')
if (language === 'ko' || language === 'en') document.documentElement.lang = language

/** What a share link shows: the dashboard, to look at. */
function SharedPage() {
  const [, setDrawn] = useState(0)
  useEffect(() => onLanguage(() => setDrawn((n) => n + 1)), [])
  const [url, setUrl] = useUrl()
  const live = useBoard(streamHere())
  const board = live?.board()
  useEffect(() => {
    document.title = `${board?.dashboard.name ?? t('site.dashboards')} – ${t('app.name')}`
  })
  if (live?.link().state === 'gone')
    return html`<main id="main"><div class="empty" role="alert"><h1><${Icon} name="warn" /> ${t('share.gone.title')}</h1><p>${t('share.gone')}</p></div></main>`
  if (!live || !board)
    return html`<main id="main"><div class="board-page">${live && html`<${LiveSign} live=${live} />`}<${Skeleton} rows=${10} /></div></main>`
  if (url.wall === '1')
    return html`<main id="main"><${Wall} live=${live} board=${board} onLeave=${() => setUrl({ wall: null })} /></main><${Toasts} />`
  return html`<main id="main"><div class="board-page">
      <div class="page-head"><div class="page-title"><h1>${board.dashboard.name}</h1><div class="facts"><${LiveSign} live=${live} /></div></div>
        <div class="actions"><${Button} onClick=${() => setUrl({ wall: '1' })}><${Icon} name="wall" />${t('wall.enter')}<//></div></div>
      <${OpenAlerts} board=${board} />
      <${BoardView} live=${live} board=${board} />
    </div></main><${Toasts} />`
}

addWords(panelWords)
addWords(words)
document.body.textContent = ''
render(html`<${Boundary}><${SharedPage} /><//>`, document.body)

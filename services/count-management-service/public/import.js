import { may } from '/assets/api.js'
import { Tabs } from '/assets/controls.js'
import { PageHead } from '/assets/frame.js'
import { useUrl } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { html } from '/assets/vendor/preact.js'
import { ExportTab } from './export-tab.js'
import { ImportTab } from './import-tab.js'
import { JobsTab } from './jobs-tab.js'
import { SiteNav, startPage } from './site.js'

function ImportPage() {
  const [url, setUrl] = useUrl()
  const ids = may('editor') ? ['import', 'export', 'jobs'] : ['export', 'jobs']
  const tab = url.tab && ids.includes(url.tab) ? url.tab : (ids[0] ?? 'export')
  const tabs = ids.map((id) => ({ id, label: t(`import.tab.${id}`) }))
  return html`
    <${PageHead} title=${t('import.title')} />
    <${SiteNav} current="import" />
    <${Tabs} label=${t('import.tabs')} tabs=${tabs} current=${tab} onSelect=${(/** @type {string} */ next) => setUrl({ tab: next })}>
      ${tab === 'import' && html`<${ImportTab} />`}
      ${tab === 'export' && html`<${ExportTab} />`}
      ${tab === 'jobs' && html`<${JobsTab} />`}
    <//>`
}

startPage(ImportPage)

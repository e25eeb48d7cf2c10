import { may } from '/assets/api.js'
import { Tabs } from '/assets/controls.js'
import { PageHead } from '/assets/frame.js'
import { useUrl } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { html, useState } from '/assets/vendor/preact.js'
import { PasswordTab } from './password.js'
import { SessionsTab } from './sessions.js'
import { SiteNav, startPage } from './site.js'
import { CreateUser } from './user-dialogs.js'
import { UsersTab } from './users-tab.js'

function UsersPage() {
  const [url, setUrl] = useUrl()
  const [creating, setCreating] = useState(false)
  const [turn, setTurn] = useState(0)
  const ids = may('admin') ? ['users', 'sessions', 'password'] : ['sessions', 'password']
  const tab = url.tab && ids.includes(url.tab) ? url.tab : (ids[0] ?? 'sessions')
  const tabs = ids.map((id) => ({ id, label: t(`users.tab.${id}`) }))
  const create = { label: t('users.new'), primary: true, onSelect: () => setCreating(true) }
  const title = may('admin') ? t('users.title') : t('site.account')
  return html`
    <${PageHead} title=${title} actions=${may('admin') && tab === 'users' ? [create] : []} />
    <${SiteNav} current="users" />
    <${Tabs} label=${title} tabs=${tabs} current=${tab} onSelect=${(/** @type {string} */ next) => setUrl({ tab: next })}>
      ${tab === 'users' && html`<${UsersTab} turn=${turn} />`}
      ${tab === 'sessions' && html`<${SessionsTab} />`}
      ${tab === 'password' && html`<${PasswordTab} />`}
    <//>
    ${
      creating &&
      html`<${CreateUser} onClose=${() => setCreating(false)} onCreated=${() => setTurn((n) => n + 1)} />`
    }`
}

startPage(UsersPage)

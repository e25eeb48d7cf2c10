import { currentSession, get, Problem, request } from '/assets/api.js'
import { Badge, Menu } from '/assets/controls.js'
import { ConfirmByName } from '/assets/dialog.js'
import { dateTime } from '/assets/format.js'
import { useLoad } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { Loading } from '/assets/states.js'
import { Table } from '/assets/table.js'
import { toast, toastError } from '/assets/toast.js'
import { html, useState } from '/assets/vendor/preact.js'
import { ResetPassword } from './user-dialogs.js'

/** @typedef {import('./types.js').User} User */

const roles = /** @type {const} */ (['viewer', 'editor', 'admin'])
/** @param {string} username */
const pathOf = (username) => `/admin/users/${encodeURIComponent(username)}`

/** @param {unknown} error */
const tell = (error) =>
  error instanceof Problem && error.status === 409
    ? toast(t('users.last'), { tone: 'bad' })
    : toastError(error)

/** Who may sign in, and as what. @param {{ turn: number }} props loads again when it changes */
export function UsersTab({ turn }) {
  const loaded = useLoad(`users ${turn}`, (signal) => get('/admin/users?limit=1000', { signal }), 5000)
  const [open, setOpen] = useState(/** @type {{ what: 'reset' | 'delete', user: User } | null} */ (null))
  const me = currentSession()?.username
  /** Changes an account, and back by the toast. */
  const change = async (
    /** @type {User} */ user,
    /** @type {Partial<User>} */ next,
    /** @type {Partial<User>} */ former,
    /** @type {string} */ done,
  ) => {
    try {
      await request('PATCH', pathOf(user.username), { body: next })
      const undo = async () => {
        await request('PATCH', pathOf(user.username), { body: former })
        loaded.reload()
      }
      toast(done, { undo })
    } catch (error) {
      tell(error)
    }
    loaded.reload()
  }
  const setRole = (/** @type {User} */ user, /** @type {User['role']} */ role) =>
    change(
      user,
      { role },
      { role: user.role },
      t('users.role.done', { name: user.username, role: t(`role.${role}`) }),
    )
  const setDisabled = (/** @type {User} */ user) => {
    const { username: name, disabled } = user
    const done = t(disabled ? 'users.enable.done' : 'users.disable.done', { name })
    return change(user, { disabled: !disabled }, { disabled }, done)
  }
  const remove = async (/** @type {User} */ { username }) => {
    await request('DELETE', pathOf(username))
    toast(t('users.delete.done', { name: username }))
    loaded.reload()
  }
  /** @type {import('/assets/table.js').Column<User>[]} */
  const columns = [
    {
      id: 'username',
      label: t('users.username'),
      narrow: 'first',
      cell: ({ username }) =>
        html`<b>${username}</b> ${username === me && html`<small>(${t('users.you')})</small>`}`,
    },
    {
      id: 'role',
      label: t('users.role'),
      cell: (user) => html`
        <select aria-label=${t('users.roleOf', { name: user.username })} value=${user.role} disabled=${user.username === me}
          onChange=${(/** @type {{ currentTarget: HTMLSelectElement }} */ event) =>
            setRole(user, roles.find((role) => role === event.currentTarget.value) ?? user.role)}>
          ${roles.map((role) => html`<option key=${role} value=${role} selected=${role === user.role}>${t(`role.${role}`)}</option>`)}
        </select>`,
    },
    {
      id: 'state',
      label: t('users.state'),
      cell: ({ disabled }) =>
        disabled
          ? html`<${Badge} tone="warn">${t('users.disabled')}<//>`
          : html`<${Badge} tone="good">${t('users.active')}<//>`,
    },
    { id: 'created', label: t('users.created'), cell: ({ createdAt }) => dateTime(createdAt) },
    {
      id: 'actions',
      label: t('action.more'),
      bare: true,
      narrow: 'side',
      cell: (user) =>
        user.username !== me &&
        html`<div class="row-end"><${Menu} label=${t('users.actions', { name: user.username })} items=${[
          { label: t('users.reset'), onSelect: () => setOpen({ what: 'reset', user }) },
          { label: t(user.disabled ? 'users.enable' : 'users.disable'), onSelect: () => setDisabled(user) },
          { label: t('users.delete'), danger: true, onSelect: () => setOpen({ what: 'delete', user }) },
        ]} /></div>`,
    },
  ]
  return html`
    <${Loading} loaded=${loaded} rows=${4}>
      ${(/** @type {{ items: User[] }} */ { items }) => html`
        <${Table} caption=${t('users.caption')} columns=${columns} rows=${items} keyOf=${(/** @type {User} */ { username }) => username} />`}
    <//>
    ${open?.what === 'reset' && html`<${ResetPassword} username=${open.user.username} onClose=${() => setOpen(null)} />`}
    ${
      open?.what === 'delete' &&
      html`<${ConfirmByName} title=${t('users.delete')} name=${open.user.username} action=${t('users.delete')} onClose=${() => setOpen(null)}
        onConfirm=${() => remove(open.user)}><p>${t('users.delete.what')}</p><//>`
    }`
}

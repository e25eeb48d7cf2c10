import { Problem, request } from '/assets/api.js'
import { Button } from '/assets/controls.js'
import { Dialog, FieldFault, FormError, useSubmit } from '/assets/dialog.js'
import { Field } from '/assets/field.js'
import { useDraft } from '/assets/hooks.js'
import { t } from '/assets/i18n.js'
import { toast } from '/assets/toast.js'
import { html, useState } from '/assets/vendor/preact.js'

export const shortest = 10

/** What is wrong with a new password, before the server looks for known ones. @param {string} password */
export const passwordFault = (password) =>
  password === ''
    ? t('field.required')
    : password.length < shortest
      ? t('field.tooShort', { n: shortest })
      : undefined

/** @param {{ onClose: () => void, onCreated: () => void }} props */
export function CreateUser({ onClose, onCreated }) {
  const { values, set, clear } = useDraft('create-user', { username: '', role: 'editor' })
  const [password, setPassword] = useState('')
  const form = useSubmit(async () => {
    /** @type {Record<string, string>} */
    const faults = {}
    const weak = passwordFault(password)
    const username = values.username.trim()
    if (username === '') faults.username = t('field.required')
    else if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(username)) faults.username = t('users.username.wrong')
    if (weak) faults.password = weak
    if (Object.keys(faults).length > 0) throw new FieldFault(faults)
    try {
      await request('POST', '/admin/users', { body: { username, password, role: values.role } })
    } catch (error) {
      if (error instanceof Problem && error.status === 409)
        throw new FieldFault({ username: t('users.exists') })
      throw error
    }
    clear()
    toast(t('users.create.done', { name: username }))
    onCreated()
    onClose()
  })
  const options = ['viewer', 'editor', 'admin'].map((value) => ({ value, label: t(`users.role.${value}`) }))
  return html`
    <${Dialog} title=${t('users.new')} onClose=${onClose}>
      <form onSubmit=${form.submit} novalidate>
        <${FormError} ...${form} />
        <${Field} name="username" label=${t('users.username')} value=${values.username} error=${form.errors.username} required focus
          onInput=${(/** @type {string} */ username) => set({ username })} />
        <${Field} name="new-password" kind="password" label=${t('users.password')} value=${password} error=${form.errors.password} required
          hint=${t('users.password.hint')} autocomplete="new-password" onInput=${setPassword} />
        <${Field} name="role" kind="select" label=${t('users.role')} value=${values.role} options=${options} required
          onInput=${(/** @type {string} */ role) => set({ role })} />
        <footer><${Button} onClick=${onClose}>${t('action.cancel')}<//>
          <${Button} kind="primary" type="submit" busy=${form.busy}>${t('users.new')}<//></footer>
      </form>
    <//>`
}

/** @param {{ username: string, onClose: () => void }} props */
export function ResetPassword({ username, onClose }) {
  const [password, setPassword] = useState('')
  const form = useSubmit(async () => {
    const weak = passwordFault(password)
    if (weak) throw new FieldFault({ password: weak })
    await request('PATCH', `/admin/users/${encodeURIComponent(username)}`, { body: { password } })
    toast(t('users.reset.done'))
    onClose()
  })
  return html`
    <${Dialog} title=${t('users.reset.title', { name: username })} onClose=${onClose}>
      <form onSubmit=${form.submit} novalidate>
        <${FormError} ...${form} />
        <${Field} name="new-password" kind="password" label=${t('password.new')} value=${password} error=${form.errors.password} required focus
          hint=${t('users.password.hint')} autocomplete="new-password" onInput=${setPassword} />
        <footer><${Button} onClick=${onClose}>${t('action.cancel')}<//>
          <${Button} kind="primary" type="submit" busy=${form.busy}>${t('users.reset')}<//></footer>
      </form>
    <//>`
}

import { Problem, request } from '/assets/api.js'
import { Button } from '/assets/controls.js'
import { FieldFault, FormError, useSubmit } from '/assets/dialog.js'
import { Field } from '/assets/field.js'
import { t } from '/assets/i18n.js'
import { toast } from '/assets/toast.js'
import { html, useState } from '/assets/vendor/preact.js'
import { passwordFault } from './user-dialogs.js'

const blank = { current: '', next: '', again: '' }

/** One's own password. */
export function PasswordTab() {
  const [typed, setTyped] = useState(blank)
  const form = useSubmit(async () => {
    /** @type {Record<string, string>} */
    const faults = {}
    const weak = passwordFault(typed.next)
    if (typed.current === '') faults.currentPassword = t('field.required')
    if (weak) faults.newPassword = weak
    else if (typed.again !== typed.next) faults.again = t('password.differs')
    if (Object.keys(faults).length > 0) throw new FieldFault(faults)
    try {
      const body = { currentPassword: typed.current, newPassword: typed.next }
      await request('PUT', '/admin/session/password', { body })
    } catch (error) {
      if (error instanceof Problem && error.status === 403)
        throw new FieldFault({ currentPassword: t('password.wrong') })
      throw error
    }
    setTyped(blank)
    toast(t('password.done'))
  })
  const of = (/** @type {keyof typeof blank} */ key, /** @type {string} */ name) => ({
    name,
    kind: 'password',
    required: true,
    label: t(`password.${key === 'next' ? 'new' : key}`),
    value: typed[key],
    error: form.errors[name],
    onInput: (/** @type {string} */ value) => setTyped({ ...typed, [key]: value }),
  })
  return html`
    <form class="card narrow-form" onSubmit=${form.submit} novalidate>
      <p class="muted">${t('password.what')}</p>
      <${FormError} ...${form} />
      <${Field} ...${of('current', 'currentPassword')} autocomplete="current-password" />
      <${Field} ...${of('next', 'newPassword')} autocomplete="new-password" hint=${t('users.password.hint')} />
      <${Field} ...${of('again', 'again')} autocomplete="new-password" />
      <div class="actions"><${Button} kind="primary" type="submit" busy=${form.busy}>${t('password.change')}<//></div>
    </form>`
}

// Before the first paint: the language and the theme that this browser's user chose, else what the browser says.
const stored = (/** @type {string} */ key) => {
  try {
    return localStorage.getItem(key)
  } catch {
    return null // Storage may be forbidden.
  }
}
const language = stored('count.language') ?? navigator.language.slice(0, 2)
document.documentElement.lang = language === 'ko' ? 'ko' : 'en'
const theme = stored('count.theme')
if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme

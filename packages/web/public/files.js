/** Hands a file to the browser's downloads. @param {Blob} blob @param {string} name what no file system takes becomes `_` */
export function save(blob, name) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name.replace(/[\\/:*?"<>|\p{Cc}]+/gu, '_')
  document.body.append(link)
  link.click()
  link.remove()
  // Not at once: some browsers read it only after this turn.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

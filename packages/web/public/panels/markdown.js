import { html, useEffect, useState } from '/assets/vendor/preact.js'

/** @typedef {import('/assets/vendor/marked.js').Token} Token */
/** @typedef {import('/assets/controls.js').Children} Children */

/** Where a link may lead: nothing that runs. @param {string} href */
const isSafe = (href) => {
  const url = URL.parse(href, location.href)
  return url !== null && ['http:', 'https:', 'mailto:'].includes(url.protocol)
}

/** @param {Token[] | undefined} tokens @returns {Children} */
const all = (tokens) => tokens?.map((token) => node(token))

/** HTML entities that the parser leaves in text. @type {Record<string, string>} */
const entities = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" }
/** @param {string} text */
const plain = (text) => text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? entity)

/**
 * A token as nodes. What is known: headings (below the panel's own), paragraphs, emphasis, code, quotes, lists, rules, tables
 * and links. Pictures become links to them, and HTML is shown as it was typed: nothing is ever parsed as HTML.
 * @param {Token} token @returns {Children}
 */
function node(token) {
  switch (token.type) {
    case 'space':
    case 'def':
      return null
    case 'heading':
      return html`<h3 class=${`depth-${token.depth}`}>${all(token.tokens)}</h3>`
    case 'paragraph':
      return html`<p>${all(token.tokens)}</p>`
    case 'strong':
      return html`<strong>${all(token.tokens)}</strong>`
    case 'em':
      return html`<em>${all(token.tokens)}</em>`
    case 'del':
      return html`<del>${all(token.tokens)}</del>`
    case 'codespan':
      return html`<code>${plain(token.text)}</code>`
    case 'code':
      return html`<pre><code>${token.text}</code></pre>`
    case 'blockquote':
      return html`<blockquote>${all(token.tokens)}</blockquote>`
    case 'hr':
      return html`<hr />`
    case 'br':
      return html`<br />`
    case 'list': {
      const items = token.items.map(
        (/** @type {Token & { tokens: Token[] }} */ item) => html`<li>${all(item.tokens)}</li>`,
      )
      return token.ordered ? html`<ol start=${token.start || 1}>${items}</ol>` : html`<ul>${items}</ul>`
    }
    case 'table':
      return html`<table class="plain"><thead><tr>${token.header.map((/** @type {{ tokens: Token[] }} */ cell) => html`<th scope="col">${all(cell.tokens)}</th>`)}</tr></thead>
        <tbody>${token.rows.map((/** @type {{ tokens: Token[] }[]} */ row) => html`<tr>${row.map((cell) => html`<td>${all(cell.tokens)}</td>`)}</tr>`)}</tbody></table>`
    case 'link':
    case 'image': {
      const text = token.type === 'image' ? token.text || token.href : all(token.tokens)
      return isSafe(token.href)
        ? html`<a href=${token.href} target="_blank" rel="noopener noreferrer">${text}</a>`
        : text
    }
    case 'checkbox':
      return token.checked ? '☑ ' : '☐ '
    case 'text':
    case 'escape':
      return 'tokens' in token && token.tokens ? all(token.tokens) : plain(token.text)
    default:
      return token.raw
  }
}

/** @type {Promise<typeof import('/assets/vendor/marked.js')> | undefined} */
let loading

/** Text as CommonMark says, parsed by marked's lexer and drawn as nodes; as it is where the parser cannot be had. @param {{ text: string }} props */
export function Markdown({ text }) {
  const [marked, setMarked] = useState(
    /** @type {typeof import('/assets/vendor/marked.js') | 'awaited' | 'away'} */ ('awaited'),
  )
  useEffect(() => {
    loading ??= import('/assets/vendor/marked.js')
    loading.then(setMarked, () => setMarked('away'))
  }, [])
  if (marked === 'awaited') return html`<div class="panel-wait"></div>`
  return html`<div class="panel-text" tabindex="0">${marked === 'away' ? html`<p>${text}</p>` : all(marked.lexer(text, { gfm: true }))}</div>`
}

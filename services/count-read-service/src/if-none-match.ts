/**
 * Whether an If-None-Match header names the entity tag (RFC 9110, 13.1.2): any tag by `*`, else one of a list, weak or not.
 *
 * @param etag The strong tag as ETag carries it, quotes included
 */
export function matches(header: string, etag: string): boolean {
  if (header === etag) return true
  return header.split(',').some((one) => {
    const tag = one.trim()
    return tag === '*' || tag === etag || tag === `W/${etag}`
  })
}

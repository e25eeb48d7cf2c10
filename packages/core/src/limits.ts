/** The largest magnitude of a value: every difference of two values is then exact in a double (2^53 − 2). */
export const maxValue = 2 ** 52 - 1

/** Operations in one batch, and in one script call. */
export const maxOperations = 1000

/** Items in one page of a list, and ids in one `?ids=`. */
export const maxPage = 1000

export const idPattern = '^[a-z0-9][a-z0-9._:-]{0,127}$'

/** Format of a text without half of a surrogate pair, which PostgreSQL refuses. */
export const unicodeFormat = 'unicode'

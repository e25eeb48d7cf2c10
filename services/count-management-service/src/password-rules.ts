/** Fewest characters of a new password. */
export const shortestPassword = 10

/** What the lists of leaked passwords begin with, without the digits and signs that people add. */
const words = new Set(
  `password passwort passw0rd p@ssword p@ssw0rd qwerty qwertz azerty qwertyuiop asdfghjkl zxcvbnm qazwsx qazwsxedc admin
  administrator root letmein welcome iloveyou changeme default secret master monkey dragon sunshine princess football baseball
  superman batman trustno1 starwars whatever computer internet login guest test testtest user counts q1w2e3r4t5 q1w2e3r4t5y6
  1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc zaq12wsxcde3 abcdefghij abcdefghijk abc123abc123 saranghae tkfkdgo dkssudgktpdy`.split(
    /\s+/,
  ),
)
const runs = [
  '01234567890123456789',
  '09876543210987654321',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiopasdfghjklzxcvbnm',
]

/**
 * Why nobody should have this password: too short, known from the lists that are tried first, one thing over and over, or
 * made of the user's name. Undefined when it will do.
 */
export function passwordFault(password: string, username: string): string | undefined {
  if ([...password].length < shortestPassword) return `must be at least ${shortestPassword} characters long`
  const plain = password.toLowerCase()
  const core = plain.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '')
  const repeated = [1, 2, 3, 4].some((period) =>
    [...plain].every((sign, i) => sign === [...plain][i % period]),
  )
  const inRow = runs.some((run) => run.includes(plain))
  if (words.has(plain) || words.has(core) || repeated || inRow) return 'is one of those that are tried first'
  if (core === username.toLowerCase() || (username.length > 3 && plain.includes(username.toLowerCase())))
    return 'must not contain the username'
  return undefined
}

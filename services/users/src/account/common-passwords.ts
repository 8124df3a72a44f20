/**
 * Passwords of at least 8 characters that lists of leaked ones begin with, in lower case. What is
 * tried first must not be accepted; a full list belongs to a breach service, not into the code.
 */
export const commonPasswords: ReadonlySet<string> = new Set(
  `12345678 123456789 1234567890 123123123 11111111 111111111 00000000 87654321 987654321 88888888
  12341234 11223344 123321123 147258369 1q2w3e4r 1q2w3e4r5t 1qaz2wsx zaq12wsx q1w2e3r4 qwertyui
  qwertyuiop qwerty12 qwerty123 qwerty1234 asdfghjk asdfghjkl asdf1234 zxcvbnm1 zxcvbnm123 abcd1234
  abc12345 abc123456 a1b2c3d4 aa123456 a12345678 password password1 password12 password123
  password1234 passw0rd p@ssw0rd p@ssword pa55word passwort passwort1 kennwort motdepasse iloveyou
  iloveyou1 sunshine princess football baseball superman batman123 trustno1 starwars whatever
  welcome1 welcome123 letmein1 letmein123 monkey123 dragon123 master123 michelle jennifer
  charlie1 computer internet samsung1 changeme changeme1 default1 administrator administrator1
  admin123 admin1234 adminadmin root1234 rootroot test1234 testtest testing1 guest123 user1234
  secret123 security computer1 corvette mercedes liverpool chelsea1 arsenal1 jordan23 qazwsxedc`
    .split(/\s+/)
    .map(word => word.normalize('NFC')),
)

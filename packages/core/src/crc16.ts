const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc & 0xffff
})

/** CRC16-CCITT (XMODEM) of an ASCII string: the checksum Redis Cluster maps keys to slots with. */
export function crc16(text: string): number {
  let crc = 0
  for (let i = 0; i < text.length; i++) {
    crc = ((crc << 8) & 0xffff) ^ (table[((crc >> 8) ^ text.charCodeAt(i)) & 0xff] as number)
  }
  return crc
}

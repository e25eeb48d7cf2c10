#!lua flags=no-writes
-- count_read: records with parts of their history, all of one instant (a bucket that closes between two reads would be
-- missed or counted twice).
--
-- KEYS[1] clock   string  {s<n>}:clock
-- KEYS[2…]        hash    {s<n>}:count:<id>, …:history:<id>, …:gone:<id>, …:gone-history:<id>, in turn for each count
-- ARGV[1] wanted  JSON [[created, field…]…] for each count: its life ('' = whichever is live) and fields of the history
--
-- returns {clock, {place, {v, t, l, u, s, r, c, o}, {packed…}}…} with place "live"|"gone"|"missing"
-- errors  BAD_ARG
local ok, wanted = pcall(cjson.decode, ARGV[1])
if not ok or type(wanted) ~= 'table' or #KEYS ~= 1 + 4 * #wanted then return redis.error_reply('BAD_ARG count_read') end
local reply = { redis.call('GET', KEYS[1]) or '0' }
for i, want in ipairs(wanted) do
  local place, found = 'missing', {}
  for offset, name in pairs({ [0] = 'live', [2] = 'gone' }) do
    local key = KEYS[4 * i - 2 + offset]
    local record = redis.call('HMGET', key, 'v', 't', 'l', 'u', 's', 'r', 'c', 'o')
    if record[7] and ((want[1] == '' and offset == 0) or record[7] == want[1]) then
      place, found = name, { record, KEYS[4 * i - 1 + offset] }
    end
  end
  local packed = {}
  if found[2] and #want > 1 then packed = redis.call('HMGET', found[2], unpack(want, 2)) end
  reply[#reply + 1] = { place, found[1] or {}, packed }
end
return reply

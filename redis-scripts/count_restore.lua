#!lua
-- count_restore: puts one count back as the archive knows it, unless the store knows as much; repeatable. Recovery calls it
-- before a shard takes its first write, then recovery_finish.
--
-- KEYS[1] record    hash  {s<n>}:count:<id>
-- KEYS[2] history   hash  {s<n>}:history:<id>
-- KEYS[3] gone      hash  {s<n>}:gone:<id>
-- KEYS[4] gone_h    hash  {s<n>}:gone-history:<id>
-- KEYS[5] changes   hash  {s<n>}:changes
-- KEYS[6] dirty     hash  {s<n>}:dirty
-- ARGV[1] id; ARGV[2] created; ARGV[3] revision; ARGV[4] status (a|p|x); ARGV[5] min; ARGV[6] max; ARGV[7] value
-- ARGV[8] version   as archived
-- ARGV[9] anew      version to bring it back under: above all that the archive knows
-- ARGV[10] removed  '1': it was in the trash
-- ARGV[11] history  JSON [field, packed, field, packed…], hours and days; minutes are not archived
--
-- returns {"restored"} | {"known"}: the store knows this life of the count at least as well
-- errors  BAD_ARG
local ok, history = pcall(cjson.decode, ARGV[11])
local created, revision, version, anew = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[8]), tonumber(ARGV[9])
if not (#KEYS == 6 and #ARGV == 11 and ok and type(history) == 'table' and #history % 2 == 0 and created and revision
  and version and anew and tonumber(ARGV[7]) and string.find(ARGV[4], '^[apx]$')) then
  return redis.error_reply('BAD_ARG count_restore')
end
local function known(key)
  local r = redis.call('HMGET', key, 'c', 'r', 't')
  local life = tonumber(r[1])
  if not life or life < created then return false end
  return life > created or (tonumber(r[2]) >= revision and tonumber(r[3]) >= version)
end
if known(KEYS[1]) or known(KEYS[3]) then return { 'known' } end

local removed = ARGV[10] == '1'
local record, aside = KEYS[removed and 3 or 1], KEYS[removed and 4 or 2]
if redis.call('HGET', record, 'c') ~= ARGV[2] then redis.call('UNLINK', record, aside) end -- an earlier life
redis.call('HSET', record, 'v', ARGV[7], 't', ARGV[9], 'l', ARGV[5], 'u', ARGV[6], 's', ARGV[4], 'r', ARGV[3], 'c', ARGV[2])
redis.call('HDEL', record, 'o')
if #history > 0 then redis.call('HSET', aside, unpack(history)) end
if removed then
  for _, key in ipairs({ record, aside }) do redis.call('PEXPIRE', key, 2592000000) end
  local live = tonumber(redis.call('HGET', KEYS[1], 'c'))
  if live and live <= created then redis.call('UNLINK', KEYS[1], KEYS[2]) end
  return { 'restored' }
end
if tonumber(redis.call('HGET', KEYS[3], 'c')) == created then redis.call('UNLINK', KEYS[3], KEYS[4]) end
local field = ARGV[1] .. ' ' .. ARGV[2]
redis.call('HSET', KEYS[5], field, table.concat({ ARGV[9], 0, 0, ARGV[7], ARGV[9], ARGV[9] }, ' '))
redis.call('HSETNX', KEYS[6], field, string.format('%.0f', math.floor(anew / 3600000000)))
return { 'restored' }

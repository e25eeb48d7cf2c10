#!lua
-- count_create: makes the record of a count, or brings a removed one back; repeatable, forward in revision only.
--
-- KEYS[1] record    hash    {s<n>}:count:<id>
-- KEYS[2] history   hash    {s<n>}:history:<id>
-- KEYS[3] gone      hash    {s<n>}:gone:<id>          a removed record
-- KEYS[4] gone_h    hash    {s<n>}:gone-history:<id>  and its history
-- KEYS[5] clock     string  {s<n>}:clock
-- KEYS[6] dirty     hash    {s<n>}:dirty
-- KEYS[7] revision  string  {s<n>}:revision           highest revision applied
-- ARGV    id, created, revision, status (active|paused|archived), min, max ('' = none), initial value,
--         restore ('1': bring the removed record of this `created` back)
--
-- returns {"created"|"exists"|"restored", value, version} | {"stale"}: a later life or revision was there before
-- errors  BAD_ARG
local created, revision = tonumber(ARGV[2]), tonumber(ARGV[3])
local status = ({ active = 'a', paused = 'p', archived = 'x' })[ARGV[4]]
local initial = string.match(ARGV[7] or '', '^%-?%d+$') and tonumber(ARGV[7])
local function bound(text) return text == '' or tonumber(text) end
if not (#KEYS == 7 and #ARGV == 8 and created and revision and status and bound(ARGV[5]) and bound(ARGV[6])
  and initial and initial <= 4503599627370495 and initial >= -4503599627370495) then
  return redis.error_reply('BAD_ARG count_create')
end

local record = redis.call('HMGET', KEYS[1], 'c', 'v', 't')
local gone = redis.call('HMGET', KEYS[3], 'c', 'r', 'v')
local live, removed = tonumber(record[1]), tonumber(gone[1])
if live == created then return { 'exists', record[2], record[3] } end
local back = removed == created and ARGV[8] == '1' and revision > tonumber(gone[2])
if (live and live > created) or (removed and removed >= created and not back) or (live and back) then return { 'stale' } end

local now = redis.call('TIME')
local version = math.max(tonumber(redis.call('GET', KEYS[5]) or '0') + 1, now[1] * 1000000 + now[2])
local text = string.format('%.0f', version)
redis.call('SET', KEYS[5], text)
local hour = string.format('%.0f', math.floor(version / 3600000000))
if live then -- an earlier life whose removal has not come yet
  redis.call('RENAME', KEYS[1], KEYS[3])
  redis.call('HSET', KEYS[3], 'r', string.format('%.0f', created - 1))
  redis.call('PEXPIRE', KEYS[3], 2592000000)
  redis.call('UNLINK', KEYS[4])
  if redis.call('EXISTS', KEYS[2]) == 1 then
    redis.call('RENAME', KEYS[2], KEYS[4])
    redis.call('PEXPIRE', KEYS[4], 2592000000)
  end
  redis.call('HSETNX', KEYS[6], ARGV[1] .. ' ' .. record[1], hour)
elseif back then
  redis.call('RENAME', KEYS[3], KEYS[1])
  redis.call('PERSIST', KEYS[1])
  if redis.call('EXISTS', KEYS[4]) == 1 then
    redis.call('RENAME', KEYS[4], KEYS[2])
    redis.call('PERSIST', KEYS[2])
  end
end
local value = back and gone[3] or ARGV[7]
redis.call('HSET', KEYS[1], 'v', value, 't', text, 'l', ARGV[5], 'u', ARGV[6], 's', status, 'r', ARGV[3], 'c', ARGV[2])
redis.call('HSETNX', KEYS[6], ARGV[1] .. ' ' .. ARGV[2], hour)
if revision > tonumber(redis.call('GET', KEYS[7]) or '0') then redis.call('SET', KEYS[7], ARGV[3]) end
return { back and 'restored' or 'created', value, text }

#!lua flags=allow-oom
-- count_remove: sets a record and its history aside for 30 days; repeatable. Runs on a full store too.
--
-- KEYS[1] record    hash    {s<n>}:count:<id>
-- KEYS[2] history   hash    {s<n>}:history:<id>
-- KEYS[3] gone      hash    {s<n>}:gone:<id>
-- KEYS[4] gone_h    hash    {s<n>}:gone-history:<id>
-- KEYS[5] clock     string  {s<n>}:clock
-- KEYS[6] dirty     hash    {s<n>}:dirty
-- KEYS[7] revision  string  {s<n>}:revision  highest revision applied
-- ARGV    id, created, revision
--
-- returns {"removed"|"gone", value, version} | {"missing"} | {"stale"}: a later life or revision was there before
-- errors  BAD_ARG
local created, revision = tonumber(ARGV[2]), tonumber(ARGV[3])
if not (#KEYS == 7 and #ARGV == 3 and created and revision) then return redis.error_reply('BAD_ARG count_remove') end

local record = redis.call('HMGET', KEYS[1], 'c', 'r', 'v')
local live = tonumber(record[1])
if live ~= created then
  local gone = redis.call('HMGET', KEYS[3], 'c', 'v', 't')
  if tonumber(gone[1]) == created then return { 'gone', gone[2], gone[3] } end
  return { live and live > created and 'stale' or 'missing' }
end
if tonumber(record[2]) > revision then return { 'stale' } end

local now = redis.call('TIME')
local version = math.max(tonumber(redis.call('GET', KEYS[5]) or '0') + 1, now[1] * 1000000 + now[2])
local text = string.format('%.0f', version)
redis.call('SET', KEYS[5], text)
redis.call('RENAME', KEYS[1], KEYS[3])
redis.call('HSET', KEYS[3], 'r', ARGV[3])
redis.call('PEXPIRE', KEYS[3], 2592000000)
redis.call('UNLINK', KEYS[4])
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('RENAME', KEYS[2], KEYS[4])
  redis.call('PEXPIRE', KEYS[4], 2592000000)
end
redis.call('HSETNX', KEYS[6], ARGV[1] .. ' ' .. ARGV[2], string.format('%.0f', math.floor(version / 3600000000)))
if revision > tonumber(redis.call('GET', KEYS[7]) or '0') then redis.call('SET', KEYS[7], ARGV[3]) end
return { 'removed', record[3], text }

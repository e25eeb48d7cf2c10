#!lua
-- count_update: gives a record the bounds and status of a later revision of its CountInfo; repeatable.
--
-- KEYS[1] record    hash    {s<n>}:count:<id>
-- KEYS[2] clock     string  {s<n>}:clock
-- KEYS[3] dirty     hash    {s<n>}:dirty
-- KEYS[4] revision  string  {s<n>}:revision  highest revision applied
-- ARGV    id, created, revision, status (active|paused|archived), min, max ('' = none)
--
-- The version of the value stays: it tells when the value last changed. The version returned is the event's.
-- returns {"updated"|"same", value, version} | {"missing"} | {"stale"}: a later life or revision was there before
--         {"bounds", value}: the present value would violate them, nothing written
-- errors  BAD_ARG
local created, revision = tonumber(ARGV[2]), tonumber(ARGV[3])
local status = ({ active = 'a', paused = 'p', archived = 'x' })[ARGV[4]]
local function bound(text) return text == '' or tonumber(text) end
if not (#KEYS == 4 and #ARGV == 6 and created and revision and status and bound(ARGV[5]) and bound(ARGV[6])) then
  return redis.error_reply('BAD_ARG count_update')
end

local record = redis.call('HMGET', KEYS[1], 'c', 'r', 'v', 't')
local live = tonumber(record[1])
if not live or live < created then return { 'missing' } end
if live > created or tonumber(record[2]) > revision then return { 'stale' } end
if tonumber(record[2]) == revision then return { 'same', record[3], record[4] } end
local value, min, max = tonumber(record[3]), tonumber(ARGV[5]), tonumber(ARGV[6])
if (min and value < min) or (max and value > max) then return { 'bounds', record[3] } end

local now = redis.call('TIME')
local version = math.max(tonumber(redis.call('GET', KEYS[2]) or '0') + 1, now[1] * 1000000 + now[2])
local text = string.format('%.0f', version)
redis.call('SET', KEYS[2], text)
redis.call('HSET', KEYS[1], 'l', ARGV[5], 'u', ARGV[6], 's', status, 'r', ARGV[3])
redis.call('HSETNX', KEYS[3], ARGV[1] .. ' ' .. ARGV[2], string.format('%.0f', math.floor(version / 3600000000)))
if revision > tonumber(redis.call('GET', KEYS[4]) or '0') then redis.call('SET', KEYS[4], ARGV[3]) end
return { 'updated', record[3], text }

#!lua
-- count_apply: applies a group of requests to the counts of one shard, all at once and at most once per call number.
--
-- KEYS[1] clock      string  {s<n>}:clock            hybrid logical clock, µs
-- KEYS[2] recovered  string  {s<n>}:recovered        master_replid that recovery finished on
-- KEYS[3] writer     string  {s<n>}:writer:<writer>  "<number> <answer>" of the caller's last call, kept an hour
-- KEYS[4] dirty      hash    {s<n>}:dirty            "<id> <created>" -> hour of the first change (write-behind queue)
-- KEYS[5] changes    hash    {s<n>}:changes          "<id> <created>" -> "<from> <delta> <operations> <value> <version>", then the
--                                                   version under which recovery brought it back, if one did since
-- KEYS[6…8]          hash    {s<n>}:idem:<generation>  name -> "<content> <results>", the answers kept: of the generation after,
--                                                   of `generation` and of the one before
-- KEYS[9…]           hash    {s<n>}:count:<id>, {s<n>}:history:<id>, in turn for each of `counts` counts
-- ARGV[1] replid      of the primary the caller believes in
-- ARGV[2] number      of the call: one more than the last; a repetition bears the same
-- ARGV[3] deadline    store's time in µs after which a call must not run any more
-- ARGV[4] offset      seconds east of UTC in force now; ARGV[5] next: when (s since 1970) ARGV[6] takes its place
-- ARGV[7] kept_ms     how long an answer is kept at least: a generation lasts as long, and is kept through the next
-- ARGV[8] generation  that the caller believes in: store's time / kept_ms
-- ARGV[9] requests    JSON [[key, content, final, (count, kind, amount[, version])…]…]: key is the position among the names
--                     (0: none), kind 0 adds, 1 sets, 2 sets if the version is `version`; final 0: a missing count refuses
--                     the whole request, so that the caller can complete its creation first. A request without operations
--                     keeps its key: it is refused when the key was used with another content
-- ARGV[10…] names     of the answers asked for and kept
--
-- returns {"done", writer, number, answer, time} with answer = JSON [[replayed, (value, version, delta)…]…] in the order asked;
--         a refused operation is ("missing"|"archived"|"paused"|"mismatch"|"range"|"bounds", value, version), one of a request
--         refused whole ("missing"|"waiting", 0, 0), a refused key ("reused", 0, 0);
--         {"stale"|"late"|"unrecovered", writer, number, "", time}: nothing written
-- errors  BAD_ARG
--
-- Numbers are formatted with %d, a long of 64 bits: exact for every double that is whole, and twice as fast as %.0f.
local call, format, match, sub, floor = redis.call, string.format, string.match, string.sub, math.floor
local now = call('TIME')
local time = now[1] * 1000000 + now[2]
local number, deadline, kept_ms, believed = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[7]), tonumber(ARGV[8])
local offset, change, next_offset = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local ok, requests = pcall(cjson.decode, ARGV[9])
if not (number and deadline and offset and change and next_offset and kept_ms and kept_ms >= 1 and kept_ms % 1 == 0
  and believed and #KEYS >= 8 and #KEYS % 2 == 0 and ok and type(requests) == 'table') then
  return redis.error_reply('BAD_ARG count_apply')
end
local function say(word, answer)
  return { word, KEYS[3], ARGV[2], answer or '', format('%d', time) }
end

local clock, recovered, said = unpack(call('MGET', KEYS[1], KEYS[2], KEYS[3]))
local last, before = match(said or '', '^(%d+) (.*)$')
last = tonumber(last)
if last == number then
  call('EXPIRE', KEYS[3], 3600) -- a write, so that a WAIT behind it waits for what the first call wrote
  return say('done', before)
end
if last and last > number then return say('stale') end
local generation = floor(time / 1000 / kept_ms)
if not (time <= deadline) or math.abs(generation - believed) > 1 then return say('late') end
if recovered ~= ARGV[1] then return say('unrecovered') end

local version = math.max(tonumber(clock or '0'), time - 1)
local seconds = floor((version + 1) / 1000000)
local minute = floor(seconds / 60)
local day = floor((seconds + (seconds < change and offset or next_offset)) / 86400)
local prefix = #KEYS[1] - #'clock' + #'count:' + 1 -- where the id starts in a record's key

local loaded, touched = {}, {}
local function load(i)
  local key = KEYS[7 + 2 * i]
  local r = call('HMGET', key, 'v', 't', 'l', 'u', 's', 'c', 'o')
  local count = { value = 0, version = 0 }
  if r[6] then
    count = { value = tonumber(r[1]), version = tonumber(r[2]), min = r[3] and tonumber(r[3]), max = r[4] and tonumber(r[4]),
      status = r[5], created = r[6], open = r[7], key = key, history = KEYS[8 + 2 * i], from = r[2], delta = 0, operations = 0 }
  end
  loaded[i] = count
  return count
end

local function refusal(count, kind, expected, value)
  if not count.key then return 'missing' end
  if count.status == 'x' then return 'archived' end
  if count.status == 'p' then return 'paused' end
  if kind == 2 and count.version ~= expected then return 'mismatch' end
  if not (value % 1 == 0 and value <= 4503599627370495 and value >= -4503599627370495) then return 'range' end
  if (count.min and value < count.min) or (count.max and value > count.max) then return 'bounds' end
end

local function perform(request)
  local results, wrote = {}, false
  local n, i = 0, 4
  while i < #request do
    local count, kind, amount = loaded[request[i]] or load(request[i]), request[i + 1], request[i + 2]
    local before = count.value
    local value = kind == 0 and before + amount or amount
    local word = refusal(count, kind, request[i + 3], value)
    n = n + 1
    if word then
      results[n] = format('"%s",%d,%d', word, before, count.version)
    else
      if count.operations == 0 then touched[#touched + 1] = count end
      version = version + 1
      count.value, count.version, count.operations = value, version, count.operations + 1
      count.delta = count.delta + (value - before)
      results[n] = format('%d,%d,%d', value, version, value - before)
      wrote = true
    end
    i = i + (kind == 2 and 4 or 3)
  end
  return n == 1 and results[1] or table.concat(results, ','), wrote or n == 0
end

-- Words for a request of which a count is missing; nil for another.
local function missing(request)
  local any, i = false, 4
  while i < #request do
    any = any or not (loaded[request[i]] or load(request[i])).key
    i = i + (request[i + 1] == 2 and 4 or 3)
  end
  if not any then return nil end
  local words
  i = 4
  while i < #request do
    local word = (loaded[request[i]] or load(request[i])).key and '"waiting",0,0' or '"missing",0,0'
    words = words and words .. ',' .. word or word
    i = i + (request[i + 1] == 2 and 4 or 3)
  end
  return words
end

local answers, kept, keep = {}, {}, {}
if #ARGV > 9 then
  for n = 6, 8 do
    for i, held in ipairs(call('HMGET', KEYS[n], unpack(ARGV, 10))) do kept[i] = kept[i] or held end
  end
end
for n, request in ipairs(requests) do
  local key, content = request[1], request[2]
  local before = kept[key]
  if before == nil and key ~= 0 then return redis.error_reply('BAD_ARG count_apply') end
  if before then
    local same, results = match(before, '^(%S*) (.*)$')
    answers[n] = same ~= content and '[0,"reused",0,0]' or results == '' and '[1]' or '[1,' .. results .. ']'
  else
    local results, wrote = request[3] == 0 and missing(request), false
    if not results then results, wrote = perform(request) end
    answers[n] = results == '' and '[0]' or '[0,' .. results .. ']'
    if wrote and key > 0 then
      kept[key] = content .. ' ' .. results
      keep[#keep + 1] = ARGV[9 + key]
      keep[#keep + 1] = kept[key]
    end
  end
end
local answer = '[' .. table.concat(answers, ',') .. ']'

-- What closed since the count was last written goes to its history: a block of `size` buckets a field, `ring` fields a
-- granularity. A slot that holds a newer block already (by an import) keeps it.
local function close(count, closed, letter, size, ring, index, delta)
  if delta == 0 then return end
  local block = floor(index / size)
  local field = letter .. block % ring
  local packed = call('HGET', count.history, field)
  local held = packed and tonumber(match(packed, '^%d+'))
  if held and held > block then return end
  closed[#closed + 1] = field
  closed[#closed + 1] = (held == block and packed or format('%d', block)) .. ';' .. index % size .. ':' .. format('%d', delta)
end

local queued, waiting, since = {}, {}, {}
for i, count in ipairs(touched) do queued[i] = sub(count.key, prefix) .. ' ' .. count.created end
if #touched > 0 then
  waiting = call('HMGET', KEYS[5], unpack(queued))
  since = call('HMGET', KEYS[4], unpack(queued))
end
local changes, dirty, hour = {}, {}, format('%d', floor(seconds / 3600))
local minute_text, day_text = format('%d', minute), format('%d', day)
for i, count in ipairs(touched) do
  local m, md, hd, d, dd = match(count.open or '', '^(%d+):(%-?%d+):(%-?%d+):(%d+):(%-?%d+)$')
  md, hd, dd = m and tonumber(md) or 0, m and tonumber(hd) or 0, m and tonumber(dd) or 0
  if m and (m ~= minute_text or d ~= day_text) then
    m, d = tonumber(m), tonumber(d)
    local closed = {}
    if m ~= minute then
      close(count, closed, 'm', 60, 50, m, md)
      md = 0
      if floor(m / 60) ~= floor(minute / 60) then
        close(count, closed, 'h', 24, 92, floor(m / 60), hd)
        hd = 0
      end
    end
    if d ~= day then
      close(count, closed, 'd', 32, 117, d, dd)
      dd = 0
    end
    count.closed = closed
  end
  local delta, operations, restored = count.delta, count.operations, ''
  count.open = format('%s:%d:%d:%s:%d', minute_text, md + delta, hd + delta, day_text, dd + delta)
  if waiting[i] then
    local from, sum, times, back = match(waiting[i], '^(%d+) (%-?%d+) (%d+) %-?%d+ %d+(.*)$')
    count.from, delta, operations, restored = from, sum + delta, times + operations, back
  end
  count.v, count.t = format('%d', count.value), format('%d', count.version)
  changes[2 * i - 1] = queued[i]
  changes[2 * i] = format('%s %d %d %s %s%s', count.from, delta, operations, count.v, count.t, restored)
  if not since[i] then
    dirty[#dirty + 1] = queued[i]
    dirty[#dirty + 1] = hour
  end
end

call('SET', KEYS[3], ARGV[2] .. ' ' .. answer, 'EX', 3600)
if #touched > 0 then
  call('SET', KEYS[1], format('%d', version))
  call('HSET', KEYS[5], unpack(changes))
  if #dirty > 0 then call('HSET', KEYS[4], unpack(dirty)) end
end
for _, count in ipairs(touched) do
  call('HSET', count.key, 'v', count.v, 't', count.t, 'o', count.open)
  if count.closed and #count.closed > 0 then call('HSET', count.history, unpack(count.closed)) end
end
if #keep > 0 then
  local key = KEYS[7 + believed - generation]
  call('HSET', key, unpack(keep))
  if call('PTTL', key) < 0 then call('PEXPIREAT', key, format('%d', (generation + 2) * kept_ms)) end
end
return say('done', answer)

#!lua
-- history_import: adds past changes to the history of counts of one shard; values stay. A block of a job counts once.
--
-- KEYS[1] clock   string  {s<n>}:clock
-- KEYS[2] dirty   hash    {s<n>}:dirty
-- KEYS[3] blocks  set     {s<n>}:import:<job>  blocks done, kept 7 days
-- KEYS[4…]        hash    {s<n>}:count:<id>, {s<n>}:history:<id>, in turn for each count
-- ARGV[1] block   number within the job
-- ARGV[2] counts  JSON [[id, created, hour, field, block, index, delta…]…]: hour of the oldest change, then fours: a bucket each,
--                 field `<granularity><slot>` with the block it stands for; each count once
--
-- returns {"imported", missing…}: places in `counts` of those that are not live | {"repeated"}
--         {"range", place}: a bucket's sum would leave ±(2^53 − 1), where it stays exact; nothing written
-- errors  BAD_ARG
local ok, counts = pcall(cjson.decode, ARGV[2])
if not ok or type(counts) ~= 'table' or #KEYS ~= 3 + 2 * #counts or #ARGV ~= 2 then return redis.error_reply('BAD_ARG history_import') end
if redis.call('SISMEMBER', KEYS[3], ARGV[1]) == 1 then return { 'repeated' } end

local reply, writes, dirty = { 'imported' }, {}, {}
for i, count in ipairs(counts) do
  local history = KEYS[3 + 2 * i]
  if redis.call('HGET', KEYS[2 + 2 * i], 'c') ~= count[2] then
    reply[#reply + 1] = i
  else
    local fields = {}
    for at = 4, #count, 4 do
      local field, block, index, delta = count[at], count[at + 1], count[at + 2], count[at + 3]
      local held = fields[field]
      if not held then
        held = { block = -1, sums = {} }
        local first, rest = string.match(redis.call('HGET', history, field) or '', '^(%d+)(.*)$')
        if first then held.block = tonumber(first) end
        for place, sum in string.gmatch(rest or '', ';(%d+):(%-?%d+)') do
          held.sums[tonumber(place)] = (held.sums[tonumber(place)] or 0) + tonumber(sum)
        end
        fields[field] = held
      end
      if block > held.block then held.block, held.sums = block, {} end
      if block == held.block then held.sums[index] = (held.sums[index] or 0) + delta end
    end
    for field, held in pairs(fields) do
      local packed = { string.format('%.0f', held.block) }
      for place, sum in pairs(held.sums) do
        if not (math.abs(sum) <= 9007199254740991) then return { 'range', i } end
        packed[#packed + 1] = place .. ':' .. string.format('%.0f', sum)
      end
      writes[#writes + 1] = { history, field, table.concat(packed, ';') }
    end
    local entry = count[1] .. ' ' .. count[2]
    local since = tonumber(redis.call('HGET', KEYS[2], entry))
    if not since or count[3] < since then dirty[#dirty + 1] = { KEYS[2], entry, string.format('%.0f', count[3]) } end
  end
end

local now = redis.call('TIME')
redis.call('SET', KEYS[1], string.format('%.0f', math.max(tonumber(redis.call('GET', KEYS[1]) or '0') + 1, now[1] * 1000000 + now[2])))
for _, write in ipairs(writes) do redis.call('HSET', unpack(write)) end
for _, write in ipairs(dirty) do redis.call('HSET', unpack(write)) end
redis.call('SADD', KEYS[3], ARGV[1])
redis.call('EXPIRE', KEYS[3], 604800)
return reply

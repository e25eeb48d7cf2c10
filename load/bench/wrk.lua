-- The calls of one benchmark, for wrk: what to ask (increment, batch, read, strong, fresh, incr, get), the API key, and ids
-- <prefix><0 … ids-1>, drawn at random; `fresh` takes each but once, from `first` on. `run` makes the idempotency keys new.
local kind, key, prefix, ids, first, run
local sent = 0

function init(args)
  kind, key, prefix, run = args[1], args[2], args[3], args[6]
  ids, first = tonumber(args[4]), tonumber(args[5])
  math.randomseed(os.time() + ids)
end

local function id()
  return prefix .. math.random(0, ids - 1)
end

local function get(path)
  return 'GET ' .. path .. ' HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ' .. key .. '\r\n\r\n'
end

local function post(path, body)
  return 'POST ' .. path .. ' HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ' .. key
    .. '\r\nIdempotency-Key: ' .. run .. '-' .. sent
    .. '\r\nContent-Type: application/json\r\nContent-Length: ' .. #body .. '\r\n\r\n' .. body
end

local calls = {
  increment = function() return post('/api/v1/counts/' .. id() .. '/increment', '{"amount":1}') end,
  read = function() return get('/api/v1/counts/' .. id()) end,
  strong = function() return get('/api/v1/counts/' .. id() .. '?consistency=strong') end,
  fresh = function() return get('/api/v1/counts/' .. prefix .. (first + sent) % ids) end,
  incr = function() return get('/INCR/' .. id()) end,
  get = function() return get('/GET/' .. id()) end,
  batch = function()
    local operations = {}
    for i = 1, 100 do operations[i] = '{"id":"' .. id() .. '","op":"increment","amount":1}' end
    return post('/api/v1/counts/batch', '{"operations":[' .. table.concat(operations, ',') .. ']}')
  end,
}

function request()
  sent = sent + 1
  return calls[kind]()
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('\nRESULT {"requests":%d,"seconds":%f,"refused":%d,"broken":%d,"p50":%f,"p99":%f,"p999":%f}\n',
    summary.requests, summary.duration / 1e6, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3))
end

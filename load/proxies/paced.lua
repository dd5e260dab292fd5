-- Each connection waits before its request, so that the rate is that of the pauses as long as answers are quick.
local pause_ms

function init(args)
  pause_ms = tonumber(args[1])
end

function delay()
  return pause_ms
end

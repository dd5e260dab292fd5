-- wrk: the same request to many hostnames, one after the other. Arguments: how many hostnames, the part behind the number.
local requests = {}
local turn = 0

function init(args)
  for i = 1, tonumber(args[1]) do
    requests[i] = wrk.format("GET", "/", { ["Host"] = "site" .. (i - 1) .. args[2] })
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

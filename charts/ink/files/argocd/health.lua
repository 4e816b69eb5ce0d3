-- Health of InkService, InkResource and InkDomain (group ml.ink) for Argo CD. docs/gitops.md says where it goes.
-- The same reading of the conditions as kstatus has, and one more word: a service that is asleep by its spec is Suspended.
local health = { status = "Progressing", message = "Waits for Ink to see the newest spec." }

if obj.metadata.deletionTimestamp ~= nil then
  health.message = "Is being deleted."
  return health
end
-- A new object has the generation -1 in its status: what stands there otherwise may speak of an older spec.
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return health
end

local found = {}
for _, condition in ipairs(obj.status.conditions or {}) do
  found[condition.type] = condition
end

local function says(type)
  return found[type] ~= nil and found[type].status == "True"
end

local function because(condition)
  if condition.message == nil or condition.message == "" then
    return condition.reason
  end
  return condition.reason .. ": " .. condition.message
end

if says("Stalled") then
  return { status = "Degraded", message = because(found["Stalled"]) }
end
if says("Reconciling") then
  health.message = because(found["Reconciling"])
  return health
end
if says("Ready") then
  local asleep = found["Ready"].reason == "Suspended"
  return { status = asleep and "Suspended" or "Healthy", message = because(found["Ready"]) }
end
if found["Ready"] ~= nil then
  health.message = because(found["Ready"])
end
return health

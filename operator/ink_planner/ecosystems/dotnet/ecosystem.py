""".NET in one record."""

from ink_planner.ecosystems.dotnet.plan import belongs_to_another, detect
from ink_planner.model.base_images import DEFAULT_KEY, pair
from ink_planner.model.ecosystem import Documentation, Ecosystem, Signs

# global.json names exact versions of the SDK
_SDK, _RUN = "mcr.microsoft.com/dotnet/sdk:{{version}}", "mcr.microsoft.com/dotnet/aspnet:{v}"

DOTNET = Ecosystem(
    name=".NET",
    detect=detect,
    base_images={"dotnet": {DEFAULT_KEY: "8.0", **pair(_SDK, _RUN, "6.0", "8.0", "9.0", "10.0")}},
    signs=Signs(suffixes=(".csproj", ".sln")),
    examples=("a .csproj file",),
    gives_way=belongs_to_another,
    documentation=Documentation("a project file", "NuGet", "the only web project or program"),
)

"""A kind of contract that import-linter lacks: packages found by what they hold, apart from each other and from all."""

from collections.abc import Iterator
from typing import Any

from importlinter import Contract, ContractCheck, fields, output

HOLDS = "application"  # the module by which a package is known as an application


class ApplicationsContract(Contract):
    """Applications import no other application and of the rest only what is listed; nothing imports an application.

    Configuration options:
        root: the package that the applications lie in.
        usable: modules and packages under the root that they may import.
    """

    type_name = "applications"

    root = fields.StringField()
    usable = fields.ListField(subfield=fields.StringField())

    def check(self, graph: Any, verbose: bool) -> ContractCheck:
        """Whether all imports keep to that, and those that do not."""
        found = sorted(graph.find_matching_modules(f"{self.root}.*.{HOLDS}"))
        packages = [module.removesuffix(f".{HOLDS}") for module in found]
        wrong = [line for package in packages for line in self._wrong(graph, package)]
        return ContractCheck(kept=bool(packages) and not wrong, metadata={"wrong": wrong, "packages": packages})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print every import that breaks the contract."""
        if not check.metadata["packages"]:
            output.print_error(f"No package under {self.root} holds a module named {HOLDS}.")
        for line in check.metadata["wrong"]:
            output.print_error(line)

    def _wrong(self, graph: Any, package: str) -> Iterator[str]:
        own = {package, *graph.find_descendants(package)}
        for module in sorted(own):
            for imported in sorted(graph.find_modules_directly_imported_by(module) - own):
                if _within(imported, self.root) and not any(_within(imported, one) for one in self.usable):
                    yield f"{module} imports {imported}: an application may use {', '.join(self.usable)} and itself"
            for importer in sorted(graph.find_modules_that_directly_import(module) - own):
                yield f"{importer} imports {module}: applications are found by the registry, never named"


def _within(module: str, package: Any) -> bool:
    return module == package or module.startswith(f"{package}.")

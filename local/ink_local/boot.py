"""`up` and `down`: the order of things. Every step may find its work already done; none undoes another's."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ink_artifacts import go_programs, packages, platform_images
from ink_artifacts.errors import SetupError
from ink_artifacts.progress import ProgressPrinter

from ink_local import preflight, state
from ink_local.cluster import LocalCluster, checked_name, state_root
from ink_local.control_plane import apiserver, certs, controllers, etcd, kube
from ink_local.machine import cgroups, ledger, supervise
from ink_local.machine import holder as holders
from ink_local.machine.holder import Holder
from ink_local.machine.supervise import NodeDaemon
from ink_local.network import link, listener, standin
from ink_local.node import calico, containerd, image_store, images, kube_proxy, kubelet, pods, registry_mirror

_READY_SECONDS = 180


@dataclass(frozen=True)
class Boot:
    """What the steps of one boot share. `archives`: image reference -> OCI archive."""

    cluster: LocalCluster
    holder: Holder
    programs: dict[str, Path]
    archives: dict[str, Path]
    progress: ProgressPrinter

    def program(self, name: str) -> str:
        return str(self.programs[name])

    def image(self, name: str) -> str:
        return platform_images.named(self.archives, name)

    def ensure(self, daemon: NodeDaemon) -> None:
        """Start or repair one component; a line is printed only when there was something to do."""
        if supervise.is_current(self.cluster, self.holder, daemon) and daemon.healthy():
            return
        with self.progress.step(daemon.name, "ready"):
            supervise.ensure(self.cluster, self.holder, daemon)

    def apply(self, manifests: str) -> None:
        kube.apply(self.cluster, self.programs["kubectl"], manifests)


def up(name: str, index: int | None, *, control_plane_only: bool, progress: ProgressPrinter) -> LocalCluster:
    """Bring the cluster up, or repair it; returns once its node is ready and names resolve.

    With `control_plane_only`: etcd, the API server and the controllers, no node. Raises SetupError, as far as can be
    known beforehand without having changed anything.
    """
    preflight.check_privilege()
    with ledger.locked(state_root() / checked_name(name)):
        cluster = _claim(name, index, control_plane_only)
        if not control_plane_only:
            packages.ensure(progress)
        programs = go_programs.ensure(
            ("pause", "kube") if control_plane_only else ("pause", "kube", "calico"), progress
        )
        archives = {} if control_plane_only else images.ensure(progress)
        boot = Boot(cluster, _namespaces(cluster, programs["pause"], progress), programs, archives, progress)
        if control_plane_only:
            _control_plane(boot)
            _controllers(boot)
        else:
            _node(boot)
    return cluster


def down(name: str, *, keep: bool, progress: ProgressPrinter) -> bool:
    """Take the cluster away; `keep` leaves its data for the next `up`. Returns False when there was none."""
    preflight.check_privilege()
    with ledger.locked(state_root() / checked_name(name)):
        cluster = state.find(name)
        if cluster is None:
            return False
        if keep:
            state.keep(cluster)
        else:
            state.unkeep(cluster)
        with progress.step(f"cluster {name}", "taken down"):
            state.clear(cluster)
            state.forget(cluster)
    return True


def _claim(name: str, index: int | None, control_plane_only: bool) -> LocalCluster:
    """Check everything, then take the index and note what the last cluster to leave has to restore."""
    with ledger.opened() as record:
        clusters: dict[str, str] = record["clusters"]
        for gone in [i for i, path in clusters.items() if not (Path(path) / "cluster.json").exists()]:
            del clusters[gone]
        known = state.find(name)
        if known is not None and known.control_plane_only != control_plane_only and holders.find(known):
            raise SetupError(
                f"cluster {name!r} is {'only a control plane' if known.control_plane_only else 'a whole node'}",
                remedy=f"take it down first (make down NAME={name}), or use another name",
            )
        if known is not None and index is None and str(known.index) not in clusters:
            index = known.index
        directory = str(state_root() / name)
        chosen = ledger.choose_index(clusters, directory, index, highest=control_plane_only)
        cluster = LocalCluster(name, chosen, state_root(), control_plane_only)
        preflight.check(cluster)
        state.save(cluster)
        clusters[str(chosen)] = str(cluster.paths.root)
        ledger.note(record, holders.BINDS)
    return cluster


def _namespaces(cluster: LocalCluster, pause: Path, progress: ProgressPrinter) -> Holder:
    """The holder of a boot that got that far, else a new one after clearing up; certificates in either case."""
    holder = holders.find(cluster)
    if holder is not None and holders.is_ready(cluster):
        certs.ensure(cluster)
        link.connect(cluster, holder)
        return holder
    state.clear(cluster)
    with progress.step("namespaces, network and certificates", "created"):
        for log in cluster.paths.log.glob("*.log"):
            log.unlink()
        certs.ensure(cluster)
        if not cluster.control_plane_only:
            image_store.take(cluster)
        layout = cgroups.layout()
        cgroups.create(cluster.cgroup, layout)
        holder = holders.start(cluster, pause, cgroups.procs_files(cluster.cgroup, layout))
        link.connect(cluster, holder)
        state.unkeep(cluster)
        holders.mark_ready(cluster)
    return holder


def _node(boot: Boot) -> None:
    """Strands side by side; a strand waits for the futures it is given."""
    with ThreadPoolExecutor(10) as pool:
        api = pool.submit(_control_plane, boot)
        runtime = pool.submit(_runtime, boot)
        others = pool.submit(_other_images, boot, runtime)
        strands = [
            api,
            runtime,
            others,
            pool.submit(_open_outbound, boot),
            pool.submit(_registry_mirror, boot),
            pool.submit(_policy, boot, api),
            pool.submit(_controllers, boot, api),
            pool.submit(_kubelet, boot, api, runtime),
            pool.submit(_pods, boot, api, others),
        ]
        for strand in strands:
            strand.result()
    with boot.progress.step("node", "Ready, names resolve"):
        cluster = boot.cluster
        kube.wait_for(
            "the node is not Ready",
            lambda: kube.node_ready(cluster),
            seconds=_READY_SECONDS,
            remedy=f"read `make logs NAME={cluster.name} COMPONENT=kubelet`",
        )
        kube.wait_for(
            "CoreDNS is not available",
            lambda: kube.deployment_available(cluster, "kube-system", "coredns"),
            seconds=_READY_SECONDS,
            remedy="read `kubectl -n kube-system describe pods`",
        )


def _control_plane(boot: Boot) -> None:
    boot.ensure(etcd.daemon(boot.cluster, boot.program("etcd")))
    boot.ensure(apiserver.daemon(boot.cluster, boot.program("kube-apiserver")))


def _controllers(boot: Boot, api: Future[None] | None = None) -> None:
    """A cluster without the controller manager never finishes deleting a namespace."""
    if api is not None:
        api.result()
    boot.ensure(controllers.controller_manager(boot.cluster, boot.program("kube-controller-manager")))
    if not boot.cluster.control_plane_only:
        boot.ensure(controllers.scheduler(boot.cluster, boot.program("kube-scheduler")))


def _runtime(boot: Boot) -> None:
    containerd.link_cni(boot.cluster, boot.programs["calico"])
    daemon = containerd.daemon(boot.cluster, boot.image("pause"))
    boot.ensure(daemon)
    if image_store.is_unclean(boot.cluster):
        containerd.clean(boot.holder, images.of_platform(boot.archives))
        # It remembers at its start which pods there are.
        supervise.stop(boot.cluster, boot.holder, daemon)
        supervise.ensure(boot.cluster, boot.holder, daemon)
        image_store.mark_clean(boot.cluster)
    containerd.import_images(boot.holder, images.first(boot.archives))


def _other_images(boot: Boot, runtime: Future[None]) -> None:
    runtime.result()
    began = time.monotonic()
    brought = containerd.import_images(boot.holder, images.of_platform(boot.archives))
    if brought:
        boot.progress.say(f"  ✓ {len(brought)} more images: imported in {time.monotonic() - began:.1f} s")


def _open_outbound(boot: Boot) -> None:
    """The stand-in answers for addresses that must not be reached; only then is outbound traffic allowed."""
    standin.ensure(boot.cluster, boot.holder)
    link.open_outbound(boot.cluster, boot.holder)
    boot.ensure(listener.daemon(boot.cluster))


def _registry_mirror(boot: Boot) -> None:
    registry_mirror.fill(images.of_mirror(boot.archives))
    boot.ensure(registry_mirror.daemon(boot.cluster))


def _policy(boot: Boot, api: Future[None]) -> None:
    definitions = calico.crds()
    api.result()
    boot.apply(definitions)
    boot.apply(calico.objects(boot.cluster))
    boot.ensure(calico.daemon(boot.cluster, boot.program("calico-felix")))


def _kubelet(boot: Boot, api: Future[None], runtime: Future[None]) -> None:
    api.result()
    runtime.result()
    boot.ensure(kubelet.daemon(boot.cluster, boot.program("kubelet")))
    # kube-proxy asks for its node with growing pauses, up to half a minute: it starts when there is one.
    kube.wait_for(
        "the node is not registered",
        lambda: _registered(boot),
        seconds=_READY_SECONDS,
        remedy=f"read `make logs NAME={boot.cluster.name} COMPONENT=kubelet`",
    )
    boot.ensure(kube_proxy.daemon(boot.cluster, boot.program("kube-proxy")))


def _registered(boot: Boot) -> bool:
    """Whether the node is known. Raises SetupError when it never will be, as its kubelet has ended."""
    if supervise.find(boot.cluster, boot.holder, "kubelet") is None:
        log = (boot.cluster.paths.log / "kubelet.log").read_text(errors="replace").splitlines()
        raise SetupError(
            "the kubelet has ended",
            seen=" ".join(log[-1:])[-300:],
            remedy=f"read `make logs NAME={boot.cluster.name} COMPONENT=kubelet`, then run this again",
        )
    return kube.api_object(boot.cluster, f"/api/v1/nodes/{boot.cluster.node_name}") is not None


def _pods(boot: Boot, api: Future[None], others: Future[None]) -> None:
    """The node's own pods, each applied when its image is there: a failed pull waits long before it is tried again."""
    api.result()
    boot.apply(pods.coredns(boot.cluster, boot.image("coredns")))
    others.result()
    volumes = pods.volumes(boot.image("local-path-provisioner"), boot.image("busybox"))
    boot.apply(f"{volumes}\n---\n{pods.metrics_server(boot.cluster, boot.image('metrics-server'))}")

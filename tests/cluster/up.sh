#!/bin/bash
# Copyright 2026 the Infranetes authors. Apache-2.0 licence.
#
# up.sh --bin DIR --work DIR --socket SOCK [--subnet A.B.C] [-- RUNTIME-COMMAND...]
#
# Starts a one-node Kubernetes cluster whose kubelet drives the CRI runtime at SOCK, and returns when the node is Ready.
# Everything, RUNTIME-COMMAND included, runs in its own PID, mount and network namespaces; a veth pair joins them to
# the host (A.B.C.1 host, A.B.C.2 node), so WORK/kubeconfig works from both sides. in.sh runs a command inside,
# down.sh stops it all.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
bin='' work='' socket='' subnet=10.99.0 stage=outside
while (($#)); do
  case $1 in
    --bin) bin=$(realpath "$2"); shift 2 ;;
    --work) work=$(realpath -m "$2"); shift 2 ;;
    --socket) socket=$(realpath -m "$2"); shift 2 ;;
    --subnet) subnet=$2; shift 2 ;;
    --inside) stage=inside; shift ;;
    --) shift; break ;;
    *) echo "up.sh: unknown argument $1" >&2; exit 2 ;;
  esac
done
: "${bin:?--bin}" "${work:?--work}" "${socket:?--socket}"
runtime=("$@")
name=$(basename "$work"); veth=k8s-$(echo "$work" | md5sum | cut -c1-8); ip=$subnet.2
pki=$work/pki log=$work/log pids=$work/pids

# The cluster's certificate authority and one certificate a component, as kubeadm makes them.
make_pki() {
  [[ -e $pki/admin.crt ]] && return
  mkdir -p "$pki"; cd "$pki"
  key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
  # cert NAME SUBJECT [EXTENSION]
  cert() {
    key "$1"
    openssl req -new -key "$1.key" -subj "$2" |
      openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out "$1.crt" \
        -extfile <(printf 'extendedKeyUsage=serverAuth,clientAuth\n%s\n' "${3:-}") 2>/dev/null
  }
  key ca; openssl req -x509 -new -key ca.key -subj /CN=kubernetes -days 30 -out ca.crt
  openssl genrsa -out sa.key 2048 2>/dev/null
  cert apiserver /CN=kube-apiserver "subjectAltName=IP:$ip,IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,\
DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
  cert kubelet-server /O=system:nodes/CN=system:node:node1 "subjectAltName=IP:$ip,DNS:node1"
  cert kubelet /O=system:nodes/CN=system:node:node1
  cert controller-manager /CN=system:kube-controller-manager
  cert scheduler /CN=system:kube-scheduler
  cert admin /O=system:masters/CN=admin
  for user in kubelet controller-manager scheduler admin; do kubeconfig "$user" >"$work/$user.kubeconfig"; done
  mv "$work/admin.kubeconfig" "$work/kubeconfig"
}

kubeconfig() {
  cat <<Y
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://$ip:6443", certificate-authority-data: $(base64 -w0 ca.crt)}}]
users: [{name: u, user: {client-certificate-data: $(base64 -w0 "$1.crt"), client-key-data: $(base64 -w0 "$1.key")}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
Y
}

# Everything the kubelet and the runtime see of the machine that must not be the machine's own.
make_mounts() {
  mount --make-rshared /
  # A fresh /sys for this network namespace, with the machine's cgroups under it.
  mkdir -p "$work/cgroup"; mount --rbind /sys/fs/cgroup "$work/cgroup"
  mount -t sysfs sysfs /sys; mount --rbind "$work/cgroup" /sys/fs/cgroup
  # A cgroup of the cluster's own for all pods: one directory in cgroup v2, one for each controller in v1, where cpuset
  # has to be told what it may use.
  local dir cpuset=/sys/fs/cgroup/cpuset
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then mkdir -p "/sys/fs/cgroup/$name"
  else
    for dir in /sys/fs/cgroup/*/; do mkdir -p "$dir$name"; done
    for dir in cpus mems; do cat "$cpuset/cpuset.$dir" >"$cpuset/$name/cpuset.$dir"; done
  fi
  # Usual paths, kept in WORK.
  for dir in /var/lib/kubelet /var/log/pods /var/log/containers /run/netns /run/containerd; do
    mkdir -p "$dir" "$work/node$dir"; mount --bind "$work/node$dir" "$dir"
  done
  # The kubelet sets these on start; it gets files of its own instead of the machine's kernel.
  local entry; mkdir -p "$work/sysctl"
  for entry in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    local path=${entry%=*} file; file=$work/sysctl/${path//\//.}
    printf '%s' "${entry#*=}" >"$file"; mount --bind "$file" "/proc/sys/$path"
  done
}

make_network() {
  ip link set lo up
  ip addr add "$ip/24" dev "$veth-n"; ip link set "$veth-n" up
  ip route add default via "$subnet.1"
  echo 1 >/proc/sys/net/ipv4/ip_forward
  echo "nameserver 10.96.0.10" >"$work/resolv.conf"
}

# start NAME COMMAND...: in the background, its output in WORK/log/NAME.log, its command in WORK/run/NAME for restart.sh.
start() {
  local what=$1; shift
  printf '#!/bin/bash\necho $$ >%q\nexec %s >>%q 2>&1 </dev/null\n' \
    "$pids/$what" "$(printf '%q ' "$@")" "$log/$what.log" >"$work/run/$what"
  chmod +x "$work/run/$what"; "$work/run/$what" &
}

# wait_for SECONDS WHAT COMMAND...
wait_for() {
  local left=$(($1 * 5)) what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    ((left-- > 0)) || { echo "up.sh: no $what; see $log" >&2; return 1; }
    sleep 0.2
  done
}

start_all() {
  local kubectl=("$bin/kubectl" --kubeconfig "$work/kubeconfig")
  start etcd "$bin/etcd" --data-dir "$work/etcd" --unsafe-no-fsync --listen-client-urls http://127.0.0.1:2379 \
    --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
  start kube-apiserver "$bin/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --advertise-address="$ip" \
    --secure-port=6443 --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=Node,RBAC \
    --enable-admission-plugins=NodeRestriction --allow-privileged=true --client-ca-file="$pki/ca.crt" \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$pki/sa.key" --service-account-signing-key-file="$pki/sa.key" \
    --kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP \
    --kubelet-client-certificate="$pki/admin.crt" --kubelet-client-key="$pki/admin.key"
  if ((${#runtime[@]})); then start runtime "${runtime[@]}"; fi
  wait_for 60 apiserver "${kubectl[@]}" get --raw /readyz
  start kube-controller-manager "$bin/kube-controller-manager" --kubeconfig="$work/controller-manager.kubeconfig" \
    --use-service-account-credentials --service-account-private-key-file="$pki/sa.key" --root-ca-file="$pki/ca.crt" \
    --cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key" \
    --allocate-node-cidrs --cluster-cidr=10.244.0.0/16 --service-cluster-ip-range=10.96.0.0/16 --leader-elect=false
  start kube-scheduler "$bin/kube-scheduler" --kubeconfig="$work/scheduler.kubeconfig" --leader-elect=false
  wait_for 60 "CRI socket $socket" test -S "$socket"
  sed -e "s#@WORK@#$work#g" -e "s#@SOCKET@#$socket#g" -e "s#@NAME@#$name#g" "$here/kubelet.yaml" >"$work/kubelet.yaml"
  mkdir -p "$work/manifests"
  start kubelet "$bin/kubelet" --config="$work/kubelet.yaml" --kubeconfig="$work/kubelet.kubeconfig" \
    --hostname-override=node1 --node-ip="$ip" --v=2
  wait_for 90 "node Ready" "${kubectl[@]}" wait --for=condition=Ready node/node1 --timeout=1s
  wait_for 30 "default service account" "${kubectl[@]}" get serviceaccount default
}

# The kubelet first, so that it orders nothing more, then the runtime, which gets ten seconds to stop as it likes.
stop_all() {
  local pid what
  for what in kubelet runtime; do
    pid=$(cat "$pids/$what" 2>/dev/null) || continue
    kill "$pid" 2>/dev/null || continue
    for _ in {1..100}; do [[ -d /proc/$pid ]] || break; sleep 0.1; done
  done
  exit 0
}

if [[ $stage == inside ]]; then # as PID 1 of the namespaces: reaps orphans, and all ends with it
  trap stop_all TERM
  until [[ -s $work/veth ]]; do sleep 0.1; done
  make_mounts; make_network; start_all
  touch "$work/ready"
  while :; do sleep 1000 & wait $! || :; done
fi

[[ -e $work/init.pid && -d /proc/$(<"$work/init.pid") ]] && { echo "up.sh: already up in $work" >&2; exit 1; }
rm -rf "$work"/{etcd,node,ready,veth,init.pid,run,pids,log}; mkdir -p "$work"/{run,pids,log}
(make_pki)
args=(--bin "$bin" --work "$work" --socket "$socket" --subnet "$subnet" --inside -- "${runtime[@]}")
setsid unshare --fork --kill-child --pid --mount --net --mount-proc --propagation private \
  "$0" "${args[@]}" >"$log/up.log" 2>&1 </dev/null &
outer=$!
until init=$(cat "/proc/$outer/task/$outer/children" 2>/dev/null) && [[ $init ]]; do sleep 0.05; done
init=${init% }; echo "$init" >"$work/init.pid"
ip link add "$veth" type veth peer name "$veth-n" netns "$init"
ip addr add "$subnet.1/24" dev "$veth"; ip link set "$veth" up
echo "$veth" >"$work/veth"
until [[ -e $work/ready ]]; do
  [[ -d /proc/$init ]] || { cat "$log/up.log" >&2; exit 1; }
  sleep 0.2
done
echo "export KUBECONFIG=$work/kubeconfig"

# shellcheck shell=bash
# The stand-ins' base: a minimal system of the machine's own distribution, from the machine's own apt sources.

base_includes=ca-certificates
base_without="man doc info locale groff lintian linda"  # of /usr/share, as in the official images called slim

# Set base_image to the image's name, and see to it that the engine has it. The archive outlives the engine's state.
provide_base() {
    local codename sources archive hash
    codename=$(own_codename)
    sources=$(apt_repositories)
    [ -n "$sources" ] || fail "apt has no sources for $codename: the stand-ins are made from them"
    hash=$(printf '%s\n' "$codename" "$base_includes" "$base_without" "$sources" | sha256sum)
    base_image=cdb-standin/$codename:${hash:0:12}
    if docker image inspect "$base_image" >/dev/null 2>&1; then return; fi
    archive=$cache/airgap/$codename-${hash:0:12}.tar
    [ -s "$archive" ] || make_base "$archive" "$codename" "$sources"
    quietly "importing $archive" docker import "$archive" "$base_image"
}

# One line for each of the distribution's own repositories: address, suite, component.
apt_repositories() {
    # shellcheck disable=SC2016  apt replaces these
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk -v name="$(own_codename)" '$2 == name || index($2, name "-") == 1' | sort -u
}

own_codename() {
    # shellcheck source=/dev/null
    (. /etc/os-release && echo "$VERSION_CODENAME")
}

# The address that has the release itself, of those repositories that standard input lists.
mirror_of() { awk -v name="$1" '$2 == name { print $1; exit }'; }

make_base() {
    local archive=$1 codename=$2 sources=$3 mirror root
    mirror=$(mirror_of "$codename" <<<"$sources")
    root=$state/base
    step "making the base of the stand-ins with debootstrap (about a minute, once)"
    make_system "$root" "$codename" "$mirror" "$base_includes"
    mkdir -p "${archive%/*}"
    slim "$root"
    tar -C "$root" --exclude='./var/cache/apt/archives/*.deb' --exclude='./var/lib/apt/lists/*' -cf "$archive.part" .
    sync "$archive.part"
    mv "$archive.part" "$archive"
    rm -rf "$root"
}

# make_system ROOT RELEASE MIRROR PACKAGES [SCRIPT]: a minimal system in the folder ROOT, in the place of what was there.
make_system() {
    local root=$1
    have debootstrap || quietly "installing debootstrap" deploy/native/install-packages debootstrap
    rm -rf --one-file-system "$root"  # a debootstrap that was killed leaves /proc mounted there
    mkdir -p "$root"
    quietly "debootstrap" debootstrap --variant=minbase --include="$4" "$2" "$root" "$3" "${@:5}"
}

# What is left out now is left out of later installations, too; and those start no service.
slim() {
    local root=$1 name
    for name in $base_without; do
        rm -rf "$root/usr/share/${name:?}"/*
        echo "path-exclude /usr/share/$name/*" >>"$root/etc/dpkg/dpkg.cfg.d/standin"
    done
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
}

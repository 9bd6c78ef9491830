#!/bin/bash
# Packs the initramfs of the outer guest, in which damonlab runs under a /dev/kvm that works: QEMU, the private virtual
# environment, damonlab, scenarios and the kernel of the inner guest, each at the path that it has here. Writes outer.cpio.
#
#   OUT       an empty folder            BUSYBOX   a busybox              MODULES  the modules of the outer kernel
#   DAMONLAB  damonlab's program         PROJECT   the source tree        CACHE    damonlab's cache
#   QEMU      qemu-system-x86_64         BZIMAGE   the inner kernel       INIT     init.sh
set -eu
cd "$OUT"
mkdir -p root/{bin,dev,proc,sys,tmp,run,etc,lib/modules,usr/bin,usr/lib/file,usr/share/misc,usr/share/qemu,var/tmp}
mkdir -p "root$CACHE/home" "root$PROJECT"

# The shared libraries of these programs, each at its place.
libraries() {
    for program; do ldd "$program" 2> /dev/null || true; done | grep -o '/[^ :]*' | sort -u |
        while read -r library; do
            if [ -e "$library" ]; then mkdir -p "root${library%/*}"; cp -Ln "$library" "root$library"; fi
        done
}
program() {
    cp -L "$1" "root/usr/bin/${1##*/}"
    libraries "$1"
}

program "$QEMU"
program "$(command -v file)"
program "$(command -v bash)"
cp -L "$BUSYBOX" root/bin/busybox
libraries "$BUSYBOX"
for applet in $("$BUSYBOX" --list); do [ -e "root/usr/bin/$applet" ] || ln -s ../../bin/busybox "root/usr/bin/$applet"; done
ln -sf busybox root/bin/sh
ln -sf ../usr/bin/bash root/bin/bash

# Firmware, and the magic numbers by which `file` knows a kernel.
first() {
    local to=$1 from
    shift
    for from; do if [ -e "$from" ]; then cp -L "$from" "$to"; return; fi; done
    echo "none of $* exists" >&2
    return 1
}
for rom in bios-256k.bin kvmvapic.bin linuxboot_dma.bin; do
    first root/usr/share/qemu/$rom /usr/share/qemu/$rom /usr/share/seabios/$rom
done
first root/usr/lib/file/magic.mgc /usr/lib/file/magic.mgc /usr/share/misc/magic.mgc

# The Python behind the environment. Without compiled modules each start of virtme-ng compiles them anew: half a minute.
python=$(readlink -f "$CACHE/venv/bin/python3")
library=$("$python" -Ic 'import sysconfig; print(sysconfig.get_path("stdlib"))')
mkdir -p "root${python%/*}" "root$library"
cp "$python" "root$python"
link=$(readlink "$CACHE/venv/bin/python3")
for name in "$link" /usr/bin/python3; do
    [ -e "root$name" ] || { mkdir -p "root${name%/*}"; ln -s "$python" "root$name"; }
done
tar -C "$library" -cf - --exclude=test --exclude=site-packages --exclude=dist-packages --exclude=__pycache__ \
    --exclude='config-*' --exclude=idlelib --exclude=tkinter --exclude=ensurepip --exclude=lib2to3 . |
    tar -C "root$library" -xf -
libraries "$python" "$library"/lib-dynload/*.so
cp -a "$CACHE/venv" "root$CACHE/"
rm -rf "root$CACHE"/venv/lib/python*/site-packages/pip
"$python" -m compileall -q -s root -p / --invalidation-mode unchecked-hash "root$library" "root$CACHE/venv/lib" || true

cp "$DAMONLAB" root/bin/damonlab
strip root/bin/damonlab || true
libraries "$DAMONLAB"
cp -r "$PROJECT/scenarios" "$PROJECT/snapshots" "root$PROJECT/"
cp "$BZIMAGE" root/bzImage
for module in virt/lib/irqbypass arch/x86/kvm/kvm drivers/crypto/ccp/ccp arch/x86/kvm/kvm-amd; do
    cp "$MODULES/$module".ko* root/lib/modules/
done
for packed in root/lib/modules/*.xz; do if [ -e "$packed" ]; then xz -d "$packed"; fi; done
echo root:x:0:0:root:/root:/bin/sh > root/etc/passwd
echo root:x:0: > root/etc/group
cp "$INIT" root/init
chmod +x root/init
(cd root && find . | "$BUSYBOX" cpio -o -H newc -R 0:0 2> /dev/null) > outer.cpio
rm -rf root

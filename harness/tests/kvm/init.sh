#!/bin/sh
# PID 1 of the outer guest: loads KVM, runs scenarios under it, and powers off. `main.rs` puts the variables before it and
# reads what it prints.
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev; mount -t tmpfs t /tmp; mount -t tmpfs t /run
mkdir -p /dev/shm; mount -t tmpfs t /dev/shm; ln -sf /proc/self/fd /dev/fd; ip link set lo up
for module in irqbypass kvm ccp kvm-amd; do insmod /lib/modules/$module.ko; done
for scenario in $SCENARIOS; do
    echo "outer: begins $scenario"
    damonlab run "$scenario" --clock real --kernel /bzImage --out /tmp/results > /tmp/report 2>&1
    status=$?
    recording=$(ls -d /tmp/results/"$scenario"/* | tail -1)
    sed 's/^/inner: /' "$recording/console.txt"
    sed 's/^/report: /' /tmp/report
    [ $status = 0 ] || sed 's/^/qemu: /' "$recording/vng.log"
    argument=$(grep -o 'accel kvm\|accel tcg' "$recording/vng.argv" | tail -1)
    named=$(sed -n 's/.*"accelerator": "\([a-z]*\)".*/\1/p' "$recording/recording.json")
    echo "outer: $scenario status=$status argument=${argument#accel } recording=$named"
    rm -rf "$recording"
done
damonlab doctor | sed -n 's/^note: /report: /p'
echo "outer: done"
poweroff -f

from tests.sweep.test_crash_points import *
def test_probe(world, patch):
    import time
    for s in SCENARIOS:
        t=time.time()
        anew(world, patch); t1=time.time()
        w = run(world, s)
        print(f"{s}: setup {t1-t:.2f} run {time.time()-t1:.2f} calls {len(world.acted)} {[c.name for c in world.acted]} -> {w}")

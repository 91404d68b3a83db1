"""``mlhull-vasp-standin``: speaks VASP's files in front of a universal potential. It is NOT VASP.

VASP is proprietary, and core-hours are too expensive to find out that a campaign's inputs are wrong.
The stand-in reads INCAR, POSCAR, KPOINTS and POTCAR, relaxes with CHGNet as the INCAR asks, and writes
vasprun.xml, OUTCAR, CONTCAR and OSZICAR that aiida-vasp and pymatgen read as they read VASP's. A campaign
rehearsed with it (inputs, stages, failures, report) runs on a cluster by changing the label of one code.

What a job costs and whether it converges is CHGNet's doing, not VASP's; everything that the stand-in
writes says so.

========== ===================================================================================
``entry``   the command
``folder``  carries out in the job's folder what a run says; needs the standard library only
``link``    asks a server that has the potential loaded, or starts one
``server``  has the potential loaded
``run``     one job: texts of the inputs in, writes out
``task``    what the inputs ask for
``descent`` the relaxation, ionic step by ionic step
``faults``  failures on request
========== ===================================================================================
"""

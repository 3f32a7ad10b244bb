BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'flopprof','m001_tables','2026-11-24 04:34:26.726026+00:00');
CREATE TABLE kernels (id INTEGER PRIMARY KEY, op INTEGER NOT NULL REFERENCES ops(id) ON DELETE CASCADE,
    kernel TEXT NOT NULL, device INTEGER, instances INTEGER NOT NULL, total_ns INTEGER NOT NULL,
    median_ns REAL NOT NULL, min_ns INTEGER NOT NULL, max_ns INTEGER NOT NULL, p5_ns REAL, p95_ns REAL,
    share REAL, launch_call_median_ns REAL, queue_median_ns REAL, stream_wait_median_ns REAL,
    latency_median_ns REAL, launches TEXT NOT NULL);
INSERT INTO "kernels" VALUES(1,1,'void gemv2T_kernel_val<int, int, float, float, float, float, (int)128, (int)16, (int)4, (int)4, (bool)0, (bool)0, cublasGemvParamsEx<int, cublasGemvTensorStridedBatched<const float>, cublasGemvTensorStridedBatched<const float>, cublasGemvTensorStridedBatched<float>, float>>(T13, T6, T6)',0,100,830000,8300.0,8134,8715,8217.0,8466.0,1.0,3200.0,1800.0,1500.0,NULL,'[{"block":[128,4,1],"dynamic_shared_bytes":0,"grid":[250,4,1],"instances":100,"median_ns":8300.0,"occupancy":0.75,"registers":24,"static_shared_bytes":2048,"total_ns":830000}]');
INSERT INTO "kernels" VALUES(2,2,'void gemv2T_kernel_val<int, int, float, float, float, float, (int)128, (int)16, (int)4, (int)4, (bool)0, (bool)0, cublasGemvParamsEx<int, cublasGemvTensorStridedBatched<const float>, cublasGemvTensorStridedBatched<const float>, cublasGemvTensorStridedBatched<float>, float>>(T13, T6, T6)',0,100,39610000,396100.0,388178,415905,392139.0,404022.0,1.0,3200.0,1800.0,1500.0,NULL,'[{"block":[128,4,1],"dynamic_shared_bytes":0,"grid":[5000,4,1],"instances":100,"median_ns":396100.0,"occupancy":0.75,"registers":24,"static_shared_bytes":2048,"total_ns":39610000}]');
INSERT INTO "kernels" VALUES(3,3,'void cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_tn_align1>(T1::Params)',0,100,1655500,16555.0,16223,17382,16389.45,16886.1,1.0,3200.0,1800.0,1500.0,NULL,'[{"block":[128,4,1],"dynamic_shared_bytes":0,"grid":[250,4,1],"instances":100,"median_ns":16555.0,"occupancy":0.75,"registers":24,"static_shared_bytes":2048,"total_ns":1655500}]');
INSERT INTO "kernels" VALUES(4,4,'cupy_sum',0,100,2194500,21945.0,21506,23042,21725.55,22383.9,1.0,3200.0,1800.0,1500.0,NULL,'[{"block":[512,1,1],"dynamic_shared_bytes":0,"grid":[250,4,1],"instances":100,"median_ns":21945.0,"occupancy":0.75,"registers":24,"static_shared_bytes":2048,"total_ns":2194500}]');
INSERT INTO "kernels" VALUES(5,5,'void cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_tn_align1>(T1::Params)',0,100,83514600,835146.0,818443,876903,826794.54,851848.92,1.0,3200.0,1800.0,1500.0,NULL,'[{"block":[128,4,1],"dynamic_shared_bytes":0,"grid":[5000,4,1],"instances":100,"median_ns":835146.0,"occupancy":0.75,"registers":24,"static_shared_bytes":2048,"total_ns":83514600}]');
INSERT INTO "kernels" VALUES(6,6,'cupy_sum',0,100,110705399,1107053.99,1084912,1162406,1095983.4501,1129195.0698,1.0,3200.0,1800.0,1500.0,NULL,'[{"block":[512,1,1],"dynamic_shared_bytes":0,"grid":[5000,4,1],"instances":100,"median_ns":1107053.99,"occupancy":0.75,"registers":24,"static_shared_bytes":2048,"total_ns":110705399}]');
INSERT INTO "kernels" VALUES(7,7,'void gemv2T_kernel_val<int, int, float, float, float, float, (int)128, (int)16, (int)4, (int)4, (bool)0, (bool)0, cublasGemvParamsEx<int, cublasGemvTensorStridedBatched<const float>, cublasGemvTensorStridedBatched<const float>, cublasGemvTensorStridedBatched<float>, float>>(T13, T6, T6)',0,100,870000,8700.0,8526,9135,8613.0,8874.0,1.0,3200.0,1800.0,1500.0,NULL,'[{"block":[128,4,1],"dynamic_shared_bytes":0,"grid":[250,4,1],"instances":100,"median_ns":8700.0,"occupancy":0.75,"registers":24,"static_shared_bytes":2048,"total_ns":870000}]');
INSERT INTO "kernels" VALUES(8,8,'void gemv2T_kernel_val<int, int, float, float, float, float, (int)128, (int)16, (int)4, (int)4, (bool)0, (bool)0, cublasGemvParamsEx<int, cublasGemvTensorStridedBatched<const float>, cublasGemvTensorStridedBatched<const float>, cublasGemvTensorStridedBatched<float>, float>>(T13, T6, T6)',0,100,40750000,407500.0,399350,427875,403425.0,415650.0,1.0,3200.0,1800.0,1500.0,NULL,'[{"block":[128,4,1],"dynamic_shared_bytes":0,"grid":[5000,4,1],"instances":100,"median_ns":407500.0,"occupancy":0.75,"registers":24,"static_shared_bytes":2048,"total_ns":40750000}]');
INSERT INTO "kernels" VALUES(9,9,'void cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_tn_align1>(T1::Params)',0,100,1311000,13110.0,12847,13765,12978.9,13372.2,1.0,3200.0,1800.0,1500.0,NULL,'[{"block":[128,4,1],"dynamic_shared_bytes":0,"grid":[250,4,1],"instances":100,"median_ns":13110.0,"occupancy":0.75,"registers":24,"static_shared_bytes":2048,"total_ns":1311000}]');
INSERT INTO "kernels" VALUES(10,10,'void at::native::reduce_kernel<(int)128, (int)4, at::native::ReduceOp<float, at::native::func_wrapper_t<float, at::native::sum_functor<float, float, float>::operator ()(at::TensorIterator &)::[lambda(float, float) (instance 1)]>, unsigned int, float, (int)4, (int)4>>(T3)',0,100,989000,9890.0,9692,10384,9791.1,10087.8,1.0,3200.0,1800.0,1500.0,NULL,'[{"block":[128,4,1],"dynamic_shared_bytes":0,"grid":[250,4,1],"instances":100,"median_ns":9890.0,"occupancy":0.75,"registers":24,"static_shared_bytes":2048,"total_ns":989000}]');
INSERT INTO "kernels" VALUES(11,11,'void cutlass::Kernel2<cutlass_80_simt_sgemm_128x32_8x5_tn_align1>(T1::Params)',0,100,54851099,548510.99,537540,575936,543025.8801,559481.2098,1.0,3200.0,1800.0,1500.0,NULL,'[{"block":[128,4,1],"dynamic_shared_bytes":0,"grid":[5000,4,1],"instances":100,"median_ns":548510.99,"occupancy":0.75,"registers":24,"static_shared_bytes":2048,"total_ns":54851099}]');
INSERT INTO "kernels" VALUES(12,12,'void at::native::reduce_kernel<(int)128, (int)4, at::native::ReduceOp<float, at::native::func_wrapper_t<float, at::native::sum_functor<float, float, float>::operator ()(at::TensorIterator &)::[lambda(float, float) (instance 1)]>, unsigned int, float, (int)4, (int)4>>(T3)',0,100,41378900,413789.0,405513,434478,409651.11,422064.78,1.0,3200.0,1800.0,1500.0,NULL,'[{"block":[128,4,1],"dynamic_shared_bytes":0,"grid":[5000,4,1],"instances":100,"median_ns":413789.0,"occupancy":0.75,"registers":24,"static_shared_bytes":2048,"total_ns":41378900}]');
CREATE TABLE machines (id TEXT PRIMARY KEY, system TEXT NOT NULL, cpu TEXT NOT NULL, cores INTEGER NOT NULL,
    memory_bytes INTEGER NOT NULL, gpus TEXT NOT NULL, hardware TEXT NOT NULL, python TEXT NOT NULL,
    versions TEXT NOT NULL, settings TEXT NOT NULL);
INSERT INTO "machines" VALUES('186a2bdf0d95','Linux 6.1','Xeon',16,128000000000,'[{"compute_capability":"9.0","l2_bytes":null,"memory_bytes":150000000000,"name":"NVIDIA H200","ordinal":0,"uuid":null}]','Xeon, 16 cores; NVIDIA H200','3.12.3','{"cupy":"14.2.0","flopprof":"0.1.0","nsys":"2025.3.2","torch":"2.11.0"}','{"tf32":"off"}');
CREATE TABLE ops (id INTEGER PRIMARY KEY, step INTEGER NOT NULL REFERENCES steps(id) ON DELETE CASCADE,
    number INTEGER NOT NULL, op TEXT NOT NULL, flops INTEGER, bytes INTEGER, wall_ns REAL, busy_ns REAL, idle_ns REAL, kernel_ns REAL, memcpy_ns REAL, memset_ns REAL,
    graph_ns REAL, launch_ns REAL, latency_ns REAL, sync_ns REAL, api_ns REAL, host_ns REAL, unknown_ns REAL,
    compute_ns REAL,
    kernel_sum_ns INTEGER, launches REAL, range_ns REAL, tflops REAL, gbps REAL, roof_share REAL,
    roof_source TEXT, roof_note TEXT, limited_by TEXT, UNIQUE (step, number));
INSERT INTO "ops" VALUES(1,1,0,'matvec',1999000,4008000,8300.0,8300.0,NULL,8300.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,830000,1.0,9100.0,2.40843373493975915211e-01,4.82891566265060248478e+02,NULL,NULL,'l2_resident','memory');
INSERT INTO "ops" VALUES(2,2,0,'matvec',799980000,1600160000,396100.0,396100.0,NULL,396100.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,39610000,1.0,9100.0,2.01964150467053782378e+00,4.03978793234031809339e+03,9.39485565660539090337e-01,NULL,NULL,'memory');
INSERT INTO "ops" VALUES(3,3,0,'outer',1000000,4008000,16555.0,16555.0,NULL,16555.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1655500,1.0,9100.0,6.0404711567502267222e-02,2.42102083962549073713e+02,NULL,NULL,'l2_resident','memory');
INSERT INTO "ops" VALUES(4,3,1,'sum',999000,4004000,21945.0,21945.0,NULL,21945.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2194500,1.0,9100.0,4.55228981544771038603e-02,1.82456140350877205943e+02,NULL,NULL,'l2_resident','memory');
INSERT INTO "ops" VALUES(5,4,0,'outer',400000000,1600160000,835146.0,835146.0,NULL,835146.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,83514600,1.0,9100.0,4.78958170188206633355e-01,1.91602426402090168268e+03,4.45587038144395763961e-01,NULL,NULL,'memory');
INSERT INTO "ops" VALUES(6,4,1,'sum',399980000,1600080000,1107053.99,1107053.99,NULL,1107053.99,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,110705399,1.0,9100.0,3.61301258667610203367e-01,1.44534956240029441691e+03,3.36127805209370800199e-01,NULL,NULL,'memory');
INSERT INTO "ops" VALUES(7,5,0,'matvec',1999000,4008000,8700.0,8700.0,NULL,8700.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,870000,1.0,9100.0,2.29770114942528747015e-01,4.6068965517241377938e+02,NULL,NULL,'l2_resident','memory');
INSERT INTO "ops" VALUES(8,6,0,'matvec',799980000,1600160000,407500.0,407500.0,NULL,407500.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,40750000,1.0,9100.0,1.96314110429447841177e+00,3.92677300613496936413e+03,0.913203024682551,NULL,NULL,'memory');
INSERT INTO "ops" VALUES(9,7,0,'outer',1000000,4008000,13110.0,13110.0,NULL,13110.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1311000,1.0,9100.0,7.62776506483600347241e-02,305.720823798627,NULL,NULL,'l2_resident','memory');
INSERT INTO "ops" VALUES(10,7,1,'sum',999000,4004000,9890.0,9890.0,NULL,9890.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,989000,1.0,9100.0,1.01011122345803838751e-01,4.04853387259858436657e+02,NULL,NULL,'l2_resident','memory');
INSERT INTO "ops" VALUES(11,8,0,'outer',400000000,1600160000,548510.99,548510.99,NULL,548510.99,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,54851099,1.0,9100.0,7.29247011076295859055e-01,2.91727974310961417365e+03,6.78437149560375374335e-01,NULL,NULL,'memory');
INSERT INTO "ops" VALUES(12,8,1,'sum',399980000,1600080000,413789.0,413789.0,NULL,413789.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,41378900,1.0,9100.0,9.6662791906019729371e-01,3.8668983467419384397e+03,8.99278685288822932086e-01,NULL,NULL,'memory');
CREATE TABLE reps (step INTEGER NOT NULL REFERENCES steps(id) ON DELETE CASCADE,
    pass TEXT NOT NULL CHECK (pass IN ('untraced', 'traced')), number INTEGER NOT NULL, ns REAL NOT NULL,
    PRIMARY KEY (step, pass, number)) WITHOUT ROWID;
INSERT INTO "reps" VALUES(1,'untraced',0,13246.8);
INSERT INTO "reps" VALUES(1,'untraced',1,13321.28);
INSERT INTO "reps" VALUES(1,'untraced',2,13278.72);
INSERT INTO "reps" VALUES(1,'untraced',3,13353.2);
INSERT INTO "reps" VALUES(1,'untraced',4,13310.64);
INSERT INTO "reps" VALUES(2,'untraced',0,399495.6);
INSERT INTO "reps" VALUES(2,'untraced',1,401741.76);
INSERT INTO "reps" VALUES(2,'untraced',2,400458.24);
INSERT INTO "reps" VALUES(2,'untraced',3,402704.4);
INSERT INTO "reps" VALUES(2,'untraced',4,4.01420879999999946456e+05);
INSERT INTO "reps" VALUES(3,'untraced',0,43326.0);
INSERT INTO "reps" VALUES(3,'untraced',1,43569.6);
INSERT INTO "reps" VALUES(3,'untraced',2,43430.4);
INSERT INTO "reps" VALUES(3,'untraced',3,43674.0);
INSERT INTO "reps" VALUES(3,'untraced',4,4.35347999999999956365e+04);
INSERT INTO "reps" VALUES(4,'untraced',0,1939411.2);
INSERT INTO "reps" VALUES(4,'untraced',1,1950315.52);
INSERT INTO "reps" VALUES(4,'untraced',2,1944084.48);
INSERT INTO "reps" VALUES(4,'untraced',3,1954988.8);
INSERT INTO "reps" VALUES(4,'untraced',4,1.94875775999999977647e+06);
INSERT INTO "reps" VALUES(5,'untraced',0,13645.2);
INSERT INTO "reps" VALUES(5,'untraced',1,13721.92);
INSERT INTO "reps" VALUES(5,'untraced',2,13678.08);
INSERT INTO "reps" VALUES(5,'untraced',3,13754.8);
INSERT INTO "reps" VALUES(5,'untraced',4,13710.96);
INSERT INTO "reps" VALUES(6,'untraced',0,410850.0);
INSERT INTO "reps" VALUES(6,'untraced',1,413160.0);
INSERT INTO "reps" VALUES(6,'untraced',2,411840.0);
INSERT INTO "reps" VALUES(6,'untraced',3,414150.0);
INSERT INTO "reps" VALUES(6,'untraced',4,4.12829999999999941798e+05);
INSERT INTO "reps" VALUES(7,'untraced',0,27888.0);
INSERT INTO "reps" VALUES(7,'untraced',1,2.80448000000000029104e+04);
INSERT INTO "reps" VALUES(7,'untraced',2,2.79551999999999970891e+04);
INSERT INTO "reps" VALUES(7,'untraced',3,28112.0);
INSERT INTO "reps" VALUES(7,'untraced',4,2.80223999999999978157e+04);
INSERT INTO "reps" VALUES(8,'untraced',0,963430.8);
INSERT INTO "reps" VALUES(8,'untraced',1,968847.68);
INSERT INTO "reps" VALUES(8,'untraced',2,965752.32);
INSERT INTO "reps" VALUES(8,'untraced',3,971169.2);
INSERT INTO "reps" VALUES(8,'untraced',4,968073.84);
INSERT INTO "reps" VALUES(9,'untraced',0,99000.0);
INSERT INTO "reps" VALUES(9,'untraced',1,100400.0);
INSERT INTO "reps" VALUES(9,'untraced',2,99600.0);
INSERT INTO "reps" VALUES(9,'untraced',3,101000.0);
INSERT INTO "reps" VALUES(9,'untraced',4,100200.0);
INSERT INTO "reps" VALUES(10,'untraced',0,17622000.0);
INSERT INTO "reps" VALUES(10,'untraced',1,17871200.0);
INSERT INTO "reps" VALUES(10,'untraced',2,17728800.0);
INSERT INTO "reps" VALUES(10,'untraced',3,17978000.0);
INSERT INTO "reps" VALUES(10,'untraced',4,17835600.0);
INSERT INTO "reps" VALUES(11,'untraced',0,495000.0);
INSERT INTO "reps" VALUES(11,'untraced',1,502000.0);
INSERT INTO "reps" VALUES(11,'untraced',2,498000.0);
INSERT INTO "reps" VALUES(11,'untraced',3,505000.0);
INSERT INTO "reps" VALUES(11,'untraced',4,501000.0);
INSERT INTO "reps" VALUES(12,'untraced',0,163350000.0);
INSERT INTO "reps" VALUES(12,'untraced',1,165660000.0);
INSERT INTO "reps" VALUES(12,'untraced',2,164340000.0);
INSERT INTO "reps" VALUES(12,'untraced',3,166650000.0);
INSERT INTO "reps" VALUES(12,'untraced',4,165330000.0);
CREATE TABLE runs (id TEXT PRIMARY KEY, scenario TEXT NOT NULL, about TEXT NOT NULL,
    started_at TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('complete', 'interrupted', 'damaged')),
    problem TEXT, recorder TEXT NOT NULL, recorder_note TEXT, control INTEGER NOT NULL, baseline TEXT,
    command TEXT NOT NULL, folder TEXT NOT NULL UNIQUE, shards INTEGER NOT NULL,
    machine TEXT REFERENCES machines(id), quality TEXT NOT NULL, skipped TEXT NOT NULL);
INSERT INTO "runs" VALUES('20261122-101500-outer','outer','Equal FLOPs, different run time — matrix·vector against outer product + column sum.','2026-11-22T10:15:00Z','complete',NULL,'nsys',NULL,1,'matvec','["flopprof","run","outer"]','20261122-101500-outer',1,'186a2bdf0d95','[{"affects":[],"code":"profiler_overhead","count":1,"message":"Set-up of tracing took 0.3 s","severity":"info"}]','[{"label":"numpy cuda","reason":"numpy has no device cuda"}]');
CREATE TABLE steps (id INTEGER PRIMARY KEY, run TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    number INTEGER NOT NULL, key TEXT NOT NULL, label TEXT NOT NULL, variant TEXT NOT NULL, backend TEXT NOT NULL,
    device TEXT NOT NULL, dtype TEXT NOT NULL, mode TEXT NOT NULL, params TEXT NOT NULL, shard TEXT,
    status TEXT NOT NULL, reason TEXT, flops INTEGER, bytes INTEGER, reps INTEGER, warmup INTEGER,
    untraced_ns REAL, untraced_low_ns REAL, untraced_high_ns REAL, traced_ns REAL, slowdown REAL,
    overhead_ns REAL, launch_bound INTEGER, checked INTEGER NOT NULL, wall_ns REAL, busy_ns REAL, idle_ns REAL, kernel_ns REAL, memcpy_ns REAL, memset_ns REAL,
    graph_ns REAL, launch_ns REAL, latency_ns REAL, sync_ns REAL, api_ns REAL, host_ns REAL, unknown_ns REAL,
    compute_ns REAL, tflops REAL, gbps REAL,
    roof_share REAL, roof_source TEXT, roof_note TEXT, limited_by TEXT, UNIQUE (run, key));
INSERT INTO "steps" VALUES(1,'20261122-101500-outer',0,'matvec-cupy-cuda-1000','matvec cupy cuda float32 n=1000','matvec','cupy','cuda','float32','eager','{"n":1000}','cupy-cuda','done',NULL,1999000,4008000,100,10,13300.0,13233.5,13379.8,16000.0,1.20300751879699241442e+00,5000.0,1,1,16200.0,8300.0,7900.0,8300.0,0.0,0.0,0.0,3950.0,1975.0,0.0,0.0,1975.0,0.0,NULL,1.50300751879699240332e-01,3.01353383458646590037e+02,NULL,'measured: copy 4300 GB/s','l2_resident','launch');
INSERT INTO "steps" VALUES(2,'20261122-101500-outer',1,'matvec-cupy-cuda-20000','matvec cupy cuda float32 n=20000','matvec','cupy','cuda','float32','eager','{"n":20000}','cupy-cuda','done',NULL,799980000,1600160000,100,10,401100.0,399094.5,403506.6,402704.4,1.004,5000.0,0,1,402904.4,396100.0,6804.4,396100.0,0.0,0.0,0.0,3402.2,1701.1,0.0,0.0,1701.1,0.0,NULL,1.99446522064323117362e+00,3.98942907005734241458e+03,9.39485565660539090337e-01,'measured: copy 4300 GB/s',NULL,'memory');
INSERT INTO "steps" VALUES(3,'20261122-101500-outer',2,'outer_sum-cupy-cuda-1000','outer_sum cupy cuda float32 n=1000','outer_sum','cupy','cuda','float32','eager','{"n":1000}','cupy-cuda','done',NULL,1999000,8012000,100,10,43500.0,43282.5,43761.0,43674.0,1.004,5000.0,1,1,43874.0,38500.0,5374.0,38500.0,0.0,0.0,0.0,2687.0,1343.5,0.0,0.0,1343.5,0.0,NULL,4.59540229885057466274e-02,184.183908045977,NULL,'measured: copy 4300 GB/s','l2_resident','launch');
INSERT INTO "steps" VALUES(4,'20261122-101500-outer',3,'outer_sum-cupy-cuda-20000','outer_sum cupy cuda float32 n=20000','outer_sum','cupy','cuda','float32','eager','{"n":20000}','cupy-cuda','done',NULL,799980000,3200240000,100,10,1947200.0,1937464.0,1958883.2,1954988.8,1.004,5000.0,0,1,1955188.8,1942200.0,12988.8,1942200.0,0.0,0.0,0.0,6494.4,3247.2,0.0,0.0,3247.2,0.0,NULL,4.10836072308956412602e-01,1.64350862777321276558e+03,3.83195273640776601364e-01,'measured: copy 4300 GB/s',NULL,'memory');
INSERT INTO "steps" VALUES(5,'20261122-101500-outer',4,'matvec-torch-cuda-1000','matvec torch cuda float32 n=1000','matvec','torch','cuda','float32','eager','{"n":1000}','torch-cuda','done',NULL,1999000,4008000,100,10,13700.0,13631.5,13782.2,16000.0,1.16788321167883202278e+00,5000.0,1,1,16200.0,8700.0,7500.0,8700.0,0.0,0.0,0.0,3750.0,1875.0,0.0,0.0,1875.0,0.0,NULL,1.45912408759124090362e-01,2.92554744525547448588e+02,NULL,'measured: copy 4300 GB/s','l2_resident','launch');
INSERT INTO "steps" VALUES(6,'20261122-101500-outer',5,'matvec-torch-cuda-20000','matvec torch cuda float32 n=20000','matvec','torch','cuda','float32','eager','{"n":20000}','torch-cuda','done',NULL,799980000,1600160000,100,10,412500.0,410437.5,414975.0,414150.0,1.004,5000.0,0,1,414350.0,407500.0,6850.0,407500.0,0.0,0.0,0.0,3425.0,1712.5,0.0,0.0,1712.5,0.0,NULL,1.9393454545454544835e+00,3.87917575757575741595e+03,0.913203024682551,'measured: copy 4300 GB/s',NULL,'memory');
INSERT INTO "steps" VALUES(7,'20261122-101500-outer',6,'outer_sum-torch-cuda-1000','outer_sum torch cuda float32 n=1000','outer_sum','torch','cuda','float32','eager','{"n":1000}','torch-cuda','done',NULL,1999000,8012000,100,10,28000.0,27860.0,28168.0,28112.0,1.004,5000.0,1,1,28312.0,23000.0,5312.0,23000.0,0.0,0.0,0.0,2656.0,1328.0,0.0,0.0,1328.0,0.0,NULL,7.13928571428571329127e-02,2.8614285714285716722e+02,NULL,'measured: copy 4300 GB/s','l2_resident','launch');
INSERT INTO "steps" VALUES(8,'20261122-101500-outer',7,'outer_sum-torch-cuda-20000','outer_sum torch cuda float32 n=20000','outer_sum','torch','cuda','float32','eager','{"n":20000}','torch-cuda','done',NULL,799980000,3200240000,100,10,967300.0,962463.5,973103.8,971169.2,1.004,5000.0,0,1,971369.2,962300.0,9069.2,962300.0,0.0,0.0,0.0,4534.6,2267.3,0.0,0.0,2267.3,0.0,NULL,0.827023674144526,3.30842551431820538717e+03,7.73399002873445207129e-01,'measured: copy 4300 GB/s',NULL,'memory');
INSERT INTO "steps" VALUES(9,'20261122-101500-outer',8,'matvec-torch-cpu-1000','matvec torch cpu float32 n=1000','matvec','torch','cpu','float32','eager','{"n":1000}','torch-cpu','done',NULL,1999000,4008000,100,10,100000.0,99000.0,102000.0,1.00099999999999985452e+05,1.001,NULL,NULL,1,101000.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1000.0,NULL,100000.0,1.99899999999999973543e-02,40.08,NULL,NULL,'no_ceiling',NULL);
INSERT INTO "steps" VALUES(10,'20261122-101500-outer',9,'matvec-torch-cpu-20000','matvec torch cpu float32 n=20000','matvec','torch','cpu','float32','eager','{"n":20000}','torch-cpu','done',NULL,799980000,1600160000,100,10,17800000.0,17622000.0,18156000.0,1.78177999999999962747e+07,1.001,NULL,NULL,1,17978000.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,178000.0,NULL,17800000.0,4.49426966292134841274e-02,8.9896629213483151945e+01,NULL,NULL,'no_ceiling',NULL);
INSERT INTO "steps" VALUES(11,'20261122-101500-outer',10,'outer_sum-torch-cpu-1000','outer_sum torch cpu float32 n=1000','outer_sum','torch','cpu','float32','eager','{"n":1000}','torch-cpu','done',NULL,1999000,8012000,100,10,500000.0,495000.0,510000.0,5.0049999999999994181e+05,1.001,NULL,NULL,1,505000.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,5000.0,NULL,500000.0,0.003998,16.024,NULL,NULL,'no_ceiling',NULL);
INSERT INTO "steps" VALUES(12,'20261122-101500-outer',11,'outer_sum-torch-cpu-20000','outer_sum torch cpu float32 n=20000','outer_sum','torch','cpu','float32','eager','{"n":20000}','torch-cpu','done',NULL,799980000,3200240000,100,10,165000000.0,163350000.0,168300000.0,1.65164999999999970205e+08,1.001,NULL,NULL,1,166650000.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1650000.0,NULL,165000000.0,4.84836363636363676388e-03,1.93953939393939407409e+01,NULL,NULL,'no_ceiling',NULL);
CREATE TABLE tags (name TEXT PRIMARY KEY, run TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    tagged_at TEXT NOT NULL);
INSERT INTO "tags" VALUES('base','20261122-101500-outer','2026-01-01T00:00:00+00:00');
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX runs_by_start ON runs(started_at);
CREATE INDEX runs_by_machine ON runs(machine);
CREATE INDEX tags_by_run ON tags(run);
CREATE INDEX kernels_by_op ON kernels(op);
COMMIT;

"""L2-regularised logistic regression by quasi-Newton steps on a subsampled Hessian. NumPy only."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistcli.linear_model.objective import (
    Certificate,
    Fit,
    best_intercept,
    linear_scores,
    loss_weights,
    losses_and_residuals,
    map_blocks,
    prior_intercept,
    relative,
    residual_products,
    slope_and_curvature,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnistcli.linear_model.objective import Floats, Float64s, Labels, Rows

DEFAULT_TOL = 1e-6
KNOB = dict(stages=(8000,), m=4000, stage_tol=1.0, mem=30, refresh=0, stage_m=4000)
LOG=None

class SeparableDataError(ValueError):
    pass


class Problem:
    def __init__(self, X, y, weights, mu, fit_intercept, scale, n_outputs, dtype=np.float32):
        self.X=X; self.y=y; self.w=weights; self.mu=mu; self.fit_intercept=fit_intercept
        self.scale=scale; self.K=n_outputs; self.dtype=dtype; self.w32=weights.astype(dtype)

    def scores(self, theta):
        S = linear_scores(self.X, theta[:, :-1], scale=self.scale, dtype=self.dtype)
        if self.fit_intercept:
            S += theta[:, -1:].astype(self.dtype)
        return S

    def gradient(self, theta, residuals):
        R = residuals*self.w32
        G = np.zeros_like(theta)
        G[:, :-1] = residual_products(self.X, R, scale=self.scale, dtype=self.dtype)
        G[:, :-1] += self.mu*theta[:, :-1]
        if self.fit_intercept: G[:, -1] = R.sum(axis=1, dtype=np.float64)
        return G

def spd_inverse(H):
    A = tri_inverse(np.linalg.cholesky(H)); return A.T@A

def tri_inverse(L):
    n=len(L)
    if n<=64: return np.linalg.inv(L)
    m=n//2; A=tri_inverse(L[:m,:m]); B=tri_inverse(L[m:,m:])
    o=np.zeros_like(L); o[:m,:m]=A; o[m:,m:]=B; o[m:,:m]=-B@(L[m:,:m]@A)
    return o

def preconditioner(pb, residuals, m, rng, shared=False):
    if shared:
        r=np.abs(residuals).astype(np.float64); return inv_hess(pb,(r*(1-r)).mean(0)*pb.w,m,rng)[None]
    out=[]
    for k in range(pb.K):
        r=np.abs(residuals[k]).astype(np.float64); h=r*(1-r)*pb.w
        out.append(inv_hess(pb,h,m,rng))
    return np.stack(out)

def inv_hess(pb,h,m,rng):
    pi=inclusion(h,m)
    keep=np.flatnonzero(rng.random(len(h))<pi)
    if len(keep)==0: keep=np.arange(min(len(h),m))
    d=pb.X.shape[1]
    B=np.empty((len(keep),d+1),np.float32); B[:,:d]=pb.X[keep]; B[:,d]=1/pb.scale if pb.fit_intercept else 0
    B*=np.sqrt(h[keep]/np.maximum(pi[keep],1e-300)).astype(np.float32)[:,None]
    H=(B.T@B).astype(np.float64)*pb.scale**2
    if not pb.fit_intercept: H[d,d]=1
    else: H[d,:]*=pb.scale**-1*pb.scale; 
    # intercept col: B has 1/scale so scaled feature is 1
    ridge=pb.mu+1e-7*H.diagonal()[:d].max()
    i=np.arange(d); H[i,i]+=ridge
    H[d,d]+=1e-9*H[d,d]+1e-12
    return spd_inverse(H).astype(np.float32)

def inclusion(h,m):
    if m>=len(h): return (h>0).astype(float)
    tot=h.sum()
    if tot<=0: return np.full(len(h),m/len(h))
    c=m/tot
    for _ in range(10):
        pi=np.minimum(1,c*h); c*=m/pi.sum()
    return np.minimum(1,c*h)

class Memory:
    def __init__(self,size): self.size=size; self.pairs=[]
    def add(self,s,y):
        sy=float(np.vdot(s,y))
        if sy<=1e-14*np.linalg.norm(s)*np.linalg.norm(y): return
        self.pairs.append((s,y,1/sy)); self.pairs=self.pairs[-self.size:]
    def apply(self,g,M):
        q=g.copy(); al=[]
        for s,y,r in reversed(self.pairs):
            a=r*float(np.vdot(s,q)); al.append(a); q-=a*y
        q=precond(M,q)
        for (s,y,r),a in zip(self.pairs,reversed(al)):
            q+=(a-r*float(np.vdot(y,q)))*s
        return q

def precond(M,q):
    if len(q)>1: q=q-q.mean(0)
    q=(np.einsum('kij,kj->ki',M,q.astype(np.float32)) if len(M)>1 else q.astype(np.float32)@M[0]).astype(float) if len(q)>1 else (M[0]@q[0])[None]
    if len(q)>1: q=q-q.mean(0)
    return q

def descend(pb,theta,tol,max_iter,rng,M=None,m=4000,refresh=0,mem=30,name='',scores=None,g_stop=None):
    S=pb.scores(theta); L,R=losses_and_residuals(S,pb.y)
    G=pb.gradient(theta,R); passes=1.
    memory=Memory(mem)
    Minv=M; f_built=math.inf if M is None else float(np.vdot(L,pb.w)); nb=0
    for it in range(max_iter):
        f=float(np.vdot(L,pb.w))+.5*pb.mu*float(np.vdot(theta[:,:-1],theta[:,:-1]))
        bound=.5*float(np.vdot(G[:,:-1],G[:,:-1]))
        if LOG is not None: LOG.append((name,it,time.perf_counter(),passes,f,bound/f,nb))
        if bound<=tol*f: break
        if Minv is None or f<KNOB.get('ratio',.7)*f_built:
            if Minv is not None or M is None: Minv=preconditioner(pb,R,m,rng,shared=name!='full' and KNOB.get('shared',True)); nb+=1
            f_built=f
        D=-memory.apply(G,Minv)
        g0=float(np.vdot(G,D))
        T=pb.scores(D)
        t,S,L,R=line_search(pb,theta,D,S,T,R,g0); passes+=.5
        theta=theta+t*D
        Gn=pb.gradient(theta,R); passes+=.5
        memory.add(t*D,Gn-G); G=Gn
    return theta,passes,it

def line_search(pb,theta,D,S,T,R,g0):
    pw=pb.mu*float(np.vdot(theta[:,:-1],D[:,:-1])); pd=pb.mu*float(np.vdot(D[:,:-1],D[:,:-1]))
    _,c=slope_and_curvature(R,T,pb.y,pb.w32)
    t=-g0/(c+pd); lo=0.;hi=math.inf
    for _ in range(20):
        S1=S+pb.dtype(t)*T; L,R1=losses_and_residuals(S1,pb.y)
        g,c=slope_and_curvature(R1,T,pb.y,pb.w32)
        g+=pw+t*pd; c+=pd
        if abs(g)<=.5*abs(g0): break
        if g>0: hi=t
        else: lo=t
        n=t-g/c
        if hi<math.inf and not lo<n<hi: n=.5*(lo+hi)
        elif hi==math.inf: n=min(n,10*t)
        t=n
    return t,S1,L,R1

def working_rows(X):
    lo,hi=X.min(axis=0),X.max(axis=0)
    kept=np.flatnonzero(lo!=hi)
    runs=np.split(kept,np.flatnonzero(np.diff(kept)>1)+1)
    out=np.empty((len(X),len(kept)),np.float32)
    def conv(rows):
        o=0
        for r in runs:
            out[rows,o:o+len(r)]=X[rows,r[0]:r[-1]+1]; o+=len(r)
    map_blocks(conv,len(X))
    return out,kept

def fit_newton(X,y,*,n_classes,C=1.,scale=1.,sample_weight=None,fit_intercept=True,tol=DEFAULT_TOL,max_iter=200,seed=0):
    t0=time.perf_counter()
    rng=np.random.default_rng(seed)
    Xw,kept=working_rows(X)
    t1=time.perf_counter()
    K=1 if n_classes==2 else n_classes
    w=loss_weights(len(y),C,sample_weight)
    theta=np.zeros((K,len(kept)+1)); theta[:,-1]=prior_intercept(y,w,n_classes)
    n=len(y)
    perm=rng.permutation(n)
    passes=0.
    for frac in KNOB['stages']:
        m=int(n*frac)
        if m<500: continue
        sub=np.sort(perm[:m])
        pb=Problem(Xw[sub],y[sub],w[sub]*(n/m)**KNOB.get('expo',1),1.,fit_intercept,scale,K)
        # first preconditioner
        _,R=losses_and_residuals(np.broadcast_to(theta[:,-1:],(K,m)).astype(np.float32),pb.y)
        r=np.abs(R).mean(0,dtype=float); M=inv_hess(pb,r*(1-r)*pb.w,KNOB['stage_m'],rng)[None]
        theta,ps,it=descend(pb,theta,KNOB['stage_tol'],100,rng,M=M,m=KNOB['stage_m'],mem=KNOB['mem'],name=f's{m}')
        passes+=ps*m/n
    pb=Problem(Xw,y,w,1.,fit_intercept,scale,K)
    theta,ps,it=descend(pb,theta,tol,max_iter,rng,m=KNOB['m'],refresh=KNOB['refresh'],mem=KNOB['mem'],name='full')
    return theta,passes+ps,it,time.perf_counter()-t0,t1-t0
